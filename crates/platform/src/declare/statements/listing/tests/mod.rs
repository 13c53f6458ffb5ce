//! Tests of the parameters of a list. Its SQL is tested in `sql`.

mod sql;

use http::Method;

use super::*;
use crate::fixture::{ADMIN, GUEST, KEEPER, LAMPS, request, role};
use crate::http::problem::Kind;

fn parse_as(grant: &Grant, query: &str) -> Result<Listing, Vec<(String, &'static str)>> {
    Listing::parse(&request(Method::GET, &format!("/?{query}")), &LAMPS, grant).map_err(|problem| {
        assert_eq!(problem.kind, Kind::Malformed);
        let errors = problem.errors.into_iter();
        errors.map(|error| (error.pointer, error.code)).collect()
    })
}

fn parse(query: &str) -> Listing {
    parse_as(&ADMIN, query).unwrap()
}

fn refused(grant: &Grant, query: &str) -> Vec<(String, &'static str)> {
    parse_as(grant, query).expect_err(query)
}

fn order(listing: &Listing) -> Vec<(&'static str, bool)> {
    listing
        .keys
        .iter()
        .map(|key| (key.field.name, key.descending))
        .collect()
}

fn text(listing: &Listing) -> String {
    listing.statement(&LAMPS, &ADMIN).text
}

/// Returns a listing whose cursor is after the keys.
fn behind(query: &str, after: &Value) -> Listing {
    use base64::Engine;
    let sort = parse(query).sort;
    let json = json!({"sort": sort, "after": after}).to_string();
    let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    parse(&format!("{query}&cursor={cursor}"))
}

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
const TIME: &str = "2026-03-29T16:00:00.000000Z";

#[test]
fn a_list_without_a_query_is_the_newest_fifty() {
    let listing = parse("");
    assert_eq!(listing.limit, None);
    assert_eq!(order(&listing), [("created_at", true), ("id", true)]);
    assert!(listing.filters.is_empty() && listing.after.is_none());
    assert!(!listing.include_deleted && !listing.count);
    assert_eq!(
        Value::Object(listing.arguments()),
        json!({"limit": 50, "sort": "-created_at", "filters": {}, "after": null})
    );
}

#[test]
fn the_limit_is_between_one_and_two_hundred() {
    assert_eq!(parse("limit=1").limit, Some(1));
    assert_eq!(parse("limit=200").limit, Some(200));
    for limit in ["0", "201", "-1", "", "ten", "1.5", "99999999999"] {
        let expected = [("?limit".to_owned(), "out_of_range")];
        assert_eq!(refused(&ADMIN, &format!("limit={limit}")), expected);
    }
}

#[test]
fn an_order_ends_with_the_id_so_that_it_is_total() {
    for (query, expected) in [
        ("sort=name", vec![("name", false), ("id", false)]),
        ("sort=-name", vec![("name", true), ("id", true)]),
        (
            "sort=-watts,name",
            vec![("watts", true), ("name", false), ("id", false)],
        ),
        ("sort=id", vec![("id", false)]),
        ("sort=-id,name", vec![("id", true), ("name", false)]),
        (
            "sort=name,watts,-updated_at",
            vec![
                ("name", false),
                ("watts", false),
                ("updated_at", true),
                ("id", true),
            ],
        ),
    ] {
        assert_eq!(order(&parse(query)), expected, "{query}");
    }
}

#[test]
fn an_order_names_sortable_fields_once() {
    for sort in [
        "",
        ",",
        "name,",
        "--name",
        "+name",
        "name,name",
        "name,-name",
        "owner_id",
        "bought_on",
        "tags",
        "colour",
        "deleted_at",
        "name,watts,created_at,updated_at",
    ] {
        let expected = [("?sort".to_owned(), "not_allowed")];
        assert_eq!(refused(&ADMIN, &format!("sort={sort}")), expected, "{sort}");
    }
}

#[test]
fn a_role_orders_and_filters_by_what_it_reads_of_every_row() {
    assert_eq!(
        order(&parse_as(&GUEST, "").unwrap())[0],
        ("created_at", true)
    );
    assert!(parse_as(&GUEST, "sort=watts&watts.gte=3").is_ok());
    assert_eq!(
        refused(&GUEST, "sort=created_at"),
        [("?sort".to_owned(), "not_allowed")]
    );
    assert_eq!(
        refused(&GUEST, "kind=desk"),
        [("?kind".to_owned(), "unknown_parameter")]
    );
    assert!(parse_as(&KEEPER, "kind=desk&sort=name").is_ok());
    assert_eq!(
        refused(&KEEPER, "watts=3"),
        [("?watts".to_owned(), "unknown_parameter")]
    );
    assert_eq!(
        refused(&KEEPER, "sort=watts"),
        [("?sort".to_owned(), "not_allowed")]
    );
}

#[test]
fn deleted_rows_are_for_admins() {
    assert!(parse("include_deleted=true").include_deleted);
    assert!(!parse("include_deleted=false").include_deleted);
    assert!(text(&parse("include_deleted=true")).contains("where true"));
    assert!(text(&parse("")).contains("where r.deleted_at is null"));
    assert_eq!(
        refused(&KEEPER, "include_deleted=true"),
        [("?include_deleted".to_owned(), "unknown_parameter")]
    );
    assert_eq!(
        refused(&ADMIN, "include_deleted=yes"),
        [("?include_deleted".to_owned(), "wrong_type")]
    );
}

#[test]
fn filters_travel_as_arguments() {
    let listing = parse("kind=desk&watts.gte=05&watts.lt=50&name.like=a*&owner_id.null=true");
    assert_eq!(
        listing.arguments()["filters"],
        json!({
            "kind.eq": "desk",
            "watts.gte": "5",
            "watts.lt": "50",
            "name.like": "a%",
            "owner_id.null": "true",
        })
    );
}

#[test]
fn every_wrong_parameter_is_named() {
    let found = refused(
        &ADMIN,
        "limit=0&colour=red&kind=roof&count=all&sort=x&%ff=1&watts.like=1",
    );
    let expected = [
        ("?limit", "out_of_range"),
        ("?colour", "unknown_parameter"),
        ("?kind", "not_allowed"),
        ("?count", "not_allowed"),
        ("?", "invalid_text"),
        ("?watts.like", "unknown_parameter"),
        ("?sort", "not_allowed"),
    ];
    assert_eq!(found, expected.map(|(at, code)| (at.to_owned(), code)));
}

#[test]
fn a_parameter_comes_once_under_whatever_name() {
    for (query, pointer) in [
        ("limit=1&limit=1", "?limit"),
        ("kind=desk&kind=floor", "?kind"),
        ("kind=desk&kind.eq=floor", "?kind.eq"),
        ("kind=desk&k%69nd=desk", "?kind"),
        ("cursor=a&cursor=b", "?cursor"),
    ] {
        assert!(
            refused(&ADMIN, query).contains(&(pointer.to_owned(), "duplicate")),
            "{query}"
        );
    }
    assert!(parse_as(&ADMIN, "watts.gt=1&watts.gte=1").is_ok());
}

#[test]
fn secrets_and_what_is_not_declared_are_no_filters() {
    for name in [
        "code",
        "tags",
        "tenant_id",
        "version",
        "deleted_at",
        "is_on.like",
        "name.regex",
        "name.",
        ".eq",
    ] {
        let expected = [(format!("?{name}"), "unknown_parameter")];
        assert_eq!(refused(&ADMIN, &format!("{name}=1")), expected);
    }
}

#[test]
fn a_key_that_today_would_be_refused_is_one_to_go_on_behind() {
    let listing = behind("sort=name", &json!(["two\nlines", ID]));
    assert_eq!(listing.after, Some(json!(["two\nlines", ID])));
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let listing = behind("sort=name", &json!(["a", ID]));
    assert_eq!(listing.after, Some(json!(["a", ID])));
    for query in ["cursor=", "cursor=!", "cursor=e30", "sort=-name&cursor=e30"] {
        assert_eq!(
            refused(&ADMIN, query),
            [("?cursor".to_owned(), "invalid_cursor")]
        );
    }
}
