//! Tests of the SQL of a list. The parameters are tested in the parent module.

use http::Method;
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn one_direction_is_compared_as_a_row_for_which_there_is_an_index() {
    let sql = text(&behind("sort=-created_at", &json!([TIME, ID])));
    let expected = "
    and (r.created_at, r.id) < (($1->'after'->>0)::timestamptz, ($1->'after'->>1)::uuid)
  order by r.created_at desc, r.id desc";
    assert!(sql.contains(expected), "{sql}");
    let sql = text(&behind("sort=name,watts", &json!(["a", "1", ID])));
    let expected = "
    and (r.name collate \"und-x-icu\", r.watts, r.id) > (($1->'after'->>0)::text, ($1->'after'->>1)::bigint, ($1->'after'->>2)::uuid)
  order by r.name collate \"und-x-icu\", r.watts, r.id
";
    assert!(sql.contains(expected), "{sql}");
}

#[test]
fn mixed_directions_are_spelled_out() {
    let sql = text(&behind("sort=-watts,name", &json!(["1", "a", ID])));
    let expected = "
    and ((r.watts < ($1->'after'->>0)::bigint) \
or (r.watts = ($1->'after'->>0)::bigint and r.name collate \"und-x-icu\" > ($1->'after'->>1)::text) \
or (r.watts = ($1->'after'->>0)::bigint and r.name collate \"und-x-icu\" = ($1->'after'->>1)::text and r.id > ($1->'after'->>2)::uuid))
  order by r.watts desc, r.name collate \"und-x-icu\", r.id
";
    assert!(sql.contains(expected), "{sql}");
}

#[test]
fn names_are_sorted_by_the_letters_of_a_language() {
    let listing = behind("sort=-name", &json!(["a", ID])).in_language(Some("sv-SE"));
    let sql = listing.statement(&LAMPS, &ADMIN).text;
    let expected = "
    and (r.name collate \"sv-x-icu\", r.id) < (($1->'after'->>0)::text, ($1->'after'->>1)::uuid)
  order by r.name collate \"sv-x-icu\" desc, r.id desc";
    assert!(sql.contains(expected), "{sql}");
}

#[test]
fn only_common_shapes_are_kept_prepared() {
    for (query, form) in [
        ("", Some(("", false))),
        ("limit=7", Some(("", false))),
        ("kind=desk", Some(("kind", false))),
        ("kind.eq=desk", Some(("kind", false))),
        ("kind.ne=desk", None),
        ("kind=desk&watts=1", None),
        ("sort=name", None),
        ("count=exact", None),
        ("include_deleted=true", None),
    ] {
        let listing = parse(query);
        assert_eq!(listing.cacheable_form(), form, "{query}");
        let name = listing.statement(&LAMPS, &ADMIN).name;
        assert_eq!(name.is_empty(), form.is_none(), "{query}");
    }
    assert_eq!(
        behind("", &json!([TIME, ID])).cacheable_form(),
        Some(("", true))
    );
}

#[test]
fn listings_of_one_shape_have_one_text() {
    assert_eq!(
        text(&parse("kind=desk&limit=1")),
        text(&parse("kind=floor"))
    );
    assert_ne!(text(&parse("kind=desk")), text(&parse("is_on=true")));
    assert_ne!(text(&parse("")), text(&behind("", &json!([TIME, ID]))));
}

#[test]
fn rows_are_counted_on_demand_and_without_the_cursor() {
    let sql = text(&parse("count=exact&kind=desk"));
    let counted = sql
        .split_once("select count(*) as total")
        .map(|(_, rest)| rest)
        .unwrap();
    let counted = counted.split_once("\n)").map(|(inner, _)| inner).unwrap();
    assert!(
        counted.contains("'kind.eq'") && !counted.contains("after"),
        "{counted}"
    );
    assert!(!text(&parse("")).contains("as total"));
}

proptest! {
    #[test]
    fn no_query_becomes_sql(query in "(sort|name|name\\.like|kind\\.in|watts\\.gt|limit|cursor|[a-z.]{1,8})=[\\PC&&[^&]]{0,20}(&[a-z_.]{1,12}=\\PC{0,10}){0,3}") {
        if let Ok(listing) = parse_as(&ADMIN, &query) {
            let sql = text(&listing);
            // The text consists of the program's own: printable ASCII without a value of the
            // request.
            prop_assert!(sql.is_ascii());
            for filter in &listing.filters {
                if let Some(value) = filter.value.as_str().filter(|value| value.len() > 5 && value.contains(' ')) {
                    prop_assert!(!sql.contains(value));
                }
            }
        }
    }
}

/// A resource with a rank and with a condition.
const ERRANDS: Resource = Resource {
    name: "errands",
    table: "errands",
    singular: "errand",
    plural: "errands",
    fields: &[
        Field::new(
            "haste",
            crate::declare::field::Kind::OneOf(&["none", "great"]),
            "",
        )
        .sort_column("rank"),
        Field::new("late", crate::declare::field::Kind::Boolean, "").condition("r.due_at < now()"),
    ],
    ..LAMPS
};

fn errands(grant: &Grant, query: &str) -> Result<Listing, Problem> {
    Listing::parse(
        &request(Method::GET, &format!("/?{query}")),
        &ERRANDS,
        grant,
    )
}

fn errands_text(grant: &Grant, query: &str) -> String {
    let listing = errands(grant, query).unwrap();
    listing.statement(&ERRANDS, grant).text
}

#[test]
fn what_has_a_rank_is_sorted_by_it_and_goes_on_behind_it() {
    use base64::Engine;
    let json = json!({"sort": "haste", "after": ["2", ID]}).to_string();
    let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let text = errands_text(&ADMIN, &format!("sort=haste&haste=great&cursor={cursor}"));
    for part in [
        "json_build_array(key_0::text, key_1::text)",
        "order by r.rank, r.id\n",
        "and (r.rank, r.id) > (($1->'after'->>0)::bigint, ($1->'after'->>1)::uuid)",
        "and r.haste = ($1->'filters'->>'haste.eq')::text",
        "r.haste,",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = json!({"sort": "haste", "after": ["great", ID]}).to_string();
    let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    assert!(errands(&ADMIN, &format!("sort=haste&cursor={cursor}")).is_err());
}

#[test]
fn a_condition_is_asked_for_and_never_shown() {
    let text = errands_text(&ADMIN, "late=true");
    assert!(text.contains("\n    and (r.due_at < now())\n"), "{text}");
    assert!(
        !text.contains("'late'") && !text.contains("r.late"),
        "{text}"
    );
    let text = errands_text(&ADMIN, "late=false&haste=none");
    assert!(
        text.contains("\n    and not (r.due_at < now())\n"),
        "{text}"
    );
    // Its text depends on the value, so no text of it is kept.
    assert!(
        errands(&ADMIN, "late=true")
            .unwrap()
            .cacheable_form()
            .is_none()
    );
    for query in [
        "late=maybe",
        "late.ne=true",
        "late.in=true",
        "late.null=true",
        "sort=late",
    ] {
        assert!(errands(&ADMIN, query).is_err(), "{query}");
    }
    assert!(
        errands(&GUEST, "late=true").is_err(),
        "not read, not asked for"
    );
}

#[test]
fn what_a_grant_says_of_its_rows_stands_in_lists_counts_and_files() {
    static OWN: Grant =
        Grant::new(role::KEEPER, &[]).index_condition("r.owner_id = 7 or r.kind = 'desk'");
    let condition = "\n    and (r.owner_id = 7 or r.kind = 'desk')";
    let listing = errands(&OWN, "count=exact").unwrap();
    let text = listing.statement(&ERRANDS, &OWN).text;
    assert_eq!(text.matches(condition).count(), 2, "{text}");
    let file = crate::declare::statements::export::statement(&listing, &ERRANDS, &OWN).text;
    assert!(file.contains(condition), "{file}");
    assert!(!errands_text(&ADMIN, "").contains(condition));
}
