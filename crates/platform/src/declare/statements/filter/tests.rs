//! Tests of filters: parsing them, and their SQL. Whole lists are tested in `listing`.

use proptest::prelude::*;

use super::*;
use crate::fixture::LAMPS;

fn field(name: &str) -> &'static Field {
    LAMPS.field(name).unwrap()
}

fn parse(name: &str, operator: Operator, text: &str) -> Result<Value, &'static str> {
    Filter::parse(field(name), None, operator, text)
        .map(|filter| filter.value)
        .map_err(|(code, _)| code)
}

fn condition(name: &str, operator: Operator, text: &str) -> String {
    let mut sql = Sql::default();
    Filter::parse(field(name), None, operator, text)
        .unwrap()
        .condition(&mut sql);
    sql.as_str().trim().to_owned()
}

#[test]
fn operators_fit_the_kind() {
    let fitting = |name: &str| -> Vec<&str> {
        Operator::ALL
            .into_iter()
            .filter(|operator| operator.fits(field(name)))
            .map(Operator::name)
            .collect()
    };
    assert_eq!(fitting("name"), ["eq", "ne", "in", "like"]);
    assert_eq!(fitting("kind"), ["eq", "ne", "in"]);
    assert_eq!(
        fitting("watts"),
        ["eq", "ne", "gt", "gte", "lt", "lte", "in"]
    );
    assert_eq!(
        fitting("bought_on"),
        ["eq", "ne", "gt", "gte", "lt", "lte", "in", "null"]
    );
    assert_eq!(fitting("owner_id"), ["eq", "ne", "in", "null"]);
    assert!(fitting("tags").is_empty());
}

#[test]
fn values_are_of_the_kind_and_in_normal_form() {
    assert_eq!(parse("watts", Operator::Gt, "007"), Ok(Value::from("7")));
    assert_eq!(parse("watts", Operator::Eq, "x"), Err("out_of_range"));
    assert_eq!(parse("kind", Operator::Eq, "roof"), Err("not_allowed"));
    assert_eq!(
        parse("kind", Operator::In, "desk,floor"),
        Ok(Value::from(vec!["desk", "floor"]))
    );
    assert_eq!(parse("kind", Operator::In, "desk,roof"), Err("not_allowed"));
    assert_eq!(parse("kind", Operator::In, ""), Err("not_allowed"));
    assert_eq!(
        parse("bought_on", Operator::Null, "true"),
        Ok(Value::from("true"))
    );
    assert_eq!(parse("bought_on", Operator::Null, "1"), Err("wrong_type"));
    assert_eq!(parse("name", Operator::Eq, ""), Err("too_short"));
    assert_eq!(parse("name", Operator::In, "A,,B"), Err("too_short"));
    // A row may hold an address whose domain is written in either of two forms.
    let both = ["ana@bücher.example", "ana@xn--bcher-kva.example"];
    static EMAIL: Field = Field::new("email", Kind::Email, "");
    for text in both {
        let filter = Filter::parse(&EMAIL, None, Operator::Eq, text).unwrap();
        assert_eq!(
            (filter.operator, filter.value),
            (Operator::In, Value::from(both.to_vec()))
        );
    }
    let list = Filter::parse(
        &EMAIL,
        None,
        Operator::In,
        "bo@a.example,ana@bücher.example",
    )
    .unwrap();
    assert_eq!(
        list.value,
        Value::from(vec!["bo@a.example", both[0], both[1]])
    );
    let one = Filter::parse(&EMAIL, None, Operator::Eq, "Bo@a.example").unwrap();
    assert_eq!(
        (one.operator, one.value),
        (Operator::Eq, Value::from("bo@a.example"))
    );
    assert_eq!(parse("name", Operator::Like, ""), Err("too_short"));
    assert_eq!(parse("name", Operator::Eq, "a\0"), Err("invalid_text"));
}

#[test]
fn in_takes_two_hundred_values() {
    let values = |count: usize| vec!["desk"; count].join(",");
    assert!(parse("kind", Operator::In, &values(200)).is_ok());
    assert_eq!(
        parse("kind", Operator::In, &values(201)),
        Err("too_many_items")
    );
}

#[test]
fn conditions_hold_no_value() {
    assert_eq!(
        condition("watts", Operator::Gte, "5"),
        "and r.watts >= ($1->'filters'->>'watts.gte')::bigint"
    );
    assert_eq!(
        condition("kind", Operator::Ne, "desk"),
        "and r.kind is distinct from ($1->'filters'->>'kind.ne')::text"
    );
    assert_eq!(
        condition("name", Operator::Like, "a*"),
        "and r.name ilike ($1->'filters'->>'name.like')::text"
    );
    assert_eq!(
        condition("bought_on", Operator::Null, "true"),
        "and (r.bought_on is null) = ($1->'filters'->>'bought_on.null')::boolean"
    );
    assert_eq!(
        condition("kind", Operator::In, "desk"),
        "and r.kind = any (array(select jsonb_array_elements_text($1->'filters'->'kind.in'))::text[])"
    );
}

#[test]
fn a_member_of_an_object_has_a_column_of_its_own() {
    const READING: Field = Field::new(
        "reading",
        Kind::Decimal {
            min: 0,
            max: 30,
            places: 2,
        },
        "",
    );
    static AGE: Field = Field::new("age", Kind::Object(&[READING]), "");
    let filter = Filter::parse(&AGE, Some(&READING), Operator::Gte, "7.50").unwrap();
    assert_eq!(
        (filter.key().as_str(), &filter.value),
        ("age.reading.gte", &Value::from("7.5"))
    );
    let mut sql = Sql::default();
    filter.condition(&mut sql);
    assert_eq!(
        sql.as_str().trim(),
        "and r.age_reading >= ($1->'filters'->>'age.reading.gte')::double precision"
    );
    for text in ["7.555", "31", "-1", "NaN", "inf", "x", ""] {
        let refused = Filter::parse(&AGE, Some(&READING), Operator::Gte, text);
        assert_eq!(refused.unwrap_err().0, "out_of_range", "{text}");
    }
}

#[test]
fn values_of_a_list_are_found_by_its_function() {
    static NEEDS: Field = Field::new("needs", Kind::TextList { items: 3, max: 10 }, "")
        .filter_function("lamps_by_need");
    assert!(Operator::Has.fits(&NEEDS) && !Operator::Eq.fits(&NEEDS));
    let mut sql = Sql::default();
    Filter::parse(&NEEDS, None, Operator::Has, "light")
        .unwrap()
        .condition(&mut sql);
    assert_eq!(
        sql.as_str().trim(),
        "and r.id = any (array(select lms.lamps_by_need(($1->'filters'->>'needs.has')::text)))"
    );
}

#[test]
fn a_star_is_the_only_wild_card() {
    assert_eq!(pattern("a*b").unwrap(), "a%b");
    assert_eq!(pattern("100%_\\").unwrap(), "100\\%\\_\\\\");
}

/// `like` as PostgreSQL defines it, for small texts.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skipped| like(&text[skipped..], rest)),
        ['\\', literal, rest @ ..] => text.first() == Some(literal) && like(&text[1..], rest),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        [literal, rest @ ..] => text.first() == Some(literal) && like(&text[1..], rest),
    }
}

proptest! {
    #[test]
    fn a_pattern_without_stars_is_found_by_its_own_text_alone(
        text in "[ab%_\\\\]{1,6}",
        other in "[ab%_\\\\]{1,6}",
    ) {
        let pattern: Vec<char> = pattern(&text).unwrap().chars().collect();
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert!(like(&chars(&text), &pattern));
        prop_assert_eq!(like(&chars(&other), &pattern), other == text);
    }

    #[test]
    fn a_star_at_the_end_finds_what_begins_so(start in "[ab%_\\\\]{1,4}", rest in "[ab%_\\\\]{0,4}") {
        let pattern: Vec<char> = pattern(&format!("{start}*")).unwrap().chars().collect();
        let text: Vec<char> = format!("{start}{rest}").chars().collect();
        prop_assert!(like(&text, &pattern));
    }
}
