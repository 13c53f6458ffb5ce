//! Filters of a list: `status=active`, `created_at.gte=...`, `id.in=a,b`, `name.like=ana*`, `phone.null=true`.

use serde_json::Value;

use crate::field::{Field, Kind};
use crate::sql::Sql;
use crate::validation;

/// Most values behind `.in`.
const MOST_VALUES: usize = 200;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal; the one without a suffix.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// One of several.
    In,
    /// Text with `*` for any characters, upper and lower case alike.
    Like,
    /// Whether there is no value.
    Null,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Operator; 9] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::In,
        Operator::Like,
        Operator::Null,
    ];

    /// The suffix in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::In => "in",
            Operator::Like => "like",
            Operator::Null => "null",
        }
    }

    /// Whether the operator makes sense for the field.
    pub fn fits(self, field: &Field) -> bool {
        match self {
            Operator::Eq | Operator::Ne | Operator::In => !field.kind.is_json(),
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => field.kind.is_ordered(),
            Operator::Like => field.kind.is_text(),
            Operator::Null => field.nullable,
        }
    }
}

/// One filter, with its value as the statement's argument.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The field.
    pub field: &'static Field,
    /// How it is compared.
    pub operator: Operator,
    /// The value: text, or a list of texts for `in`.
    pub value: Value,
}

impl Filter {
    /// Reads a filter; none when the field knows no such operator.
    ///
    /// # Errors
    ///
    /// The code and the sentence for a value that isn't of the field's kind.
    pub fn parse(
        field: &'static Field,
        operator: Operator,
        text: &str,
    ) -> Result<Filter, (&'static str, String)> {
        let value = match operator {
            Operator::In => {
                if text.split(',').count() > MOST_VALUES {
                    return Err((
                        "too_many_items",
                        format!("This takes at most {MOST_VALUES} values."),
                    ));
                }
                text.split(',')
                    .map(|part| scalar(field.kind, part).map(Value::String))
                    .collect::<Result<Value, _>>()?
            }
            Operator::Like => Value::String(pattern(text)?),
            Operator::Null => Value::String(validation::scalar(Kind::Boolean, text)?),
            _ => Value::String(scalar(field.kind, text)?),
        };
        Ok(Filter {
            field,
            operator,
            value,
        })
    }

    /// The key of the value among the statement's arguments.
    pub fn key(&self) -> String {
        format!("{}.{}", self.field.name, self.operator.name())
    }

    /// Adds the condition on the row `r`.
    pub fn condition(&self, sql: &mut Sql) {
        let name = self.field.name;
        sql.push("\n    and ");
        match self.operator {
            Operator::In => {
                sql.push("r.")
                    .push(name)
                    .push(" = any (array(select jsonb_array_elements_text($1->'filters'->'")
                    .push(name)
                    .push(".in'))::")
                    .push(self.field.kind.sql_type())
                    .push("[])");
            }
            Operator::Null => {
                sql.push("(r.").push(name).push(" is null) = ");
                self.argument(sql, "boolean");
            }
            Operator::Like => {
                sql.push("r.").push(name).push(" ilike ");
                self.argument(sql, "text");
            }
            _ => {
                let symbol = match self.operator {
                    Operator::Ne => " is distinct from ",
                    Operator::Gt => " > ",
                    Operator::Gte => " >= ",
                    Operator::Lt => " < ",
                    Operator::Lte => " <= ",
                    _ => " = ",
                };
                sql.push("r.").push(name).push(symbol);
                self.argument(sql, self.field.kind.sql_type());
            }
        }
    }

    fn argument(&self, sql: &mut Sql, sql_type: &'static str) {
        sql.push("($1->'filters'->>'")
            .push(self.field.name)
            .push(".")
            .push(self.operator.name())
            .push("')::")
            .push(sql_type);
    }
}

/// A value to compare with; an empty text is one that no field has, not an error.
fn scalar(kind: Kind, text: &str) -> Result<String, (&'static str, String)> {
    match kind {
        Kind::Text { max, .. } => validation::scalar(Kind::Text { min: 0, max }, text),
        _ => validation::scalar(kind, text),
    }
}

/// A pattern for `ilike`: `*` stands for any characters, everything else for itself.
fn pattern(text: &str) -> Result<String, (&'static str, String)> {
    let text = validation::scalar(Kind::Text { min: 1, max: 200 }, text)?;
    Ok(text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
        .replace('*', "%"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::LAMPS;

    fn field(name: &str) -> &'static Field {
        LAMPS.field(name).unwrap()
    }

    fn parse(name: &str, operator: Operator, text: &str) -> Result<Value, &'static str> {
        Filter::parse(field(name), operator, text)
            .map(|filter| filter.value)
            .map_err(|(code, _)| code)
    }

    fn condition(name: &str, operator: Operator, text: &str) -> String {
        let mut sql = Sql::default();
        Filter::parse(field(name), operator, text)
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
        // No name is empty, but to ask for one is no mistake.
        assert_eq!(parse("name", Operator::Eq, ""), Ok(Value::from("")));
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
}
