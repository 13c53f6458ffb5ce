//! Tests of the validation of a body. The kinds of values with a JSON form of their own are in
//! `kinds`.

mod kinds;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{WriteMode, body, parse_object};
use crate::auth::policy::Fields;
use crate::declare::field::{Field, Kind};
use crate::http::problem::{self, Problem};
use crate::values::field_error::MAX_ERRORS;

const INNER: &[Field] = &[
    Field::new("line", Kind::Text { min: 1, max: 10 }, "").required(),
    Field::new("note", Kind::Text { min: 0, max: 10 }, "").nullable(),
];

static FIELDS: &[Field] = &[
    Field::new("id", Kind::Id, "").read_only(),
    Field::new("name", Kind::Text { min: 1, max: 5 }, "").required(),
    Field::new("secret", Kind::Secret { min: 2, max: 8 }, ""),
    Field::new("email", Kind::Email, "").nullable(),
    Field::new("code", Kind::Slug, "").on_create(),
    Field::new("level", Kind::Integer { min: -3, max: 3 }, ""),
    Field::new("active", Kind::Boolean, ""),
    Field::new("born", Kind::Date, "").nullable(),
    Field::new("subjects", Kind::TextList { items: 3, max: 4 }, ""),
    Field::new("languages", Kind::Languages, ""),
    Field::new("address", Kind::Object(INNER), ""),
    Field::new("slots", Kind::Rows(INNER), ""),
    Field::new("settings", Kind::Json { bytes: 40 }, ""),
    Field::new(
        "friends",
        Kind::References {
            table: "users",
            items: 2,
        },
        "",
    ),
    Field::new(
        "age",
        Kind::Decimal {
            min: 0,
            max: 30,
            places: 2,
        },
        "",
    ),
    Field::new("start", Kind::LocalTime, ""),
    Field::new("opens", Kind::TimeOfDay, ""),
    Field::new("plan", Kind::Json { bytes: 40 }, "").derived(),
];

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn create(value: Value) -> Result<Map<String, Value>, Problem> {
    body(
        FIELDS.iter(),
        Fields::All,
        WriteMode::Create,
        &object(value),
    )
}

fn update(value: Value) -> Result<Map<String, Value>, Problem> {
    body(
        FIELDS.iter(),
        Fields::All,
        WriteMode::Update,
        &object(value),
    )
}

/// Returns the pointer and the code of each error.
fn errors(result: Result<Map<String, Value>, Problem>) -> Vec<(String, &'static str)> {
    result
        .expect_err("the body should be refused")
        .errors
        .into_iter()
        .map(|error| (error.pointer, error.code))
        .collect()
}

#[test]
fn a_body_must_be_a_json_object() {
    assert_eq!(parse_object(b"{\"a\":1}").unwrap(), object(json!({"a": 1})));
    for text in [
        "",
        "{",
        "{\"a\":}",
        "[]",
        "null",
        "\"text\"",
        "{\"a\":1}x",
        "\u{feff}{}",
    ] {
        let problem = parse_object(text.as_bytes()).expect_err(text);
        assert_eq!(problem.kind, problem::Kind::Malformed, "{text}");
        assert!(problem.detail.is_some(), "{text}");
    }
    assert_eq!(parse_object(b"{\"a\":\"\xff\"}").unwrap_err().status(), 400);
}

#[test]
fn a_body_that_is_nested_too_deep_is_refused_and_not_a_crash() {
    let deep = format!(
        "{{\"settings\":{}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(parse_object(deep.as_bytes()).unwrap_err().status(), 400);
}

#[test]
fn values_come_out_in_their_normal_form() {
    let made = create(json!({
        "name": "  Ana ",
        "secret": " x ",
        "email": " Ana@Example.ORG ",
        "code": "north-1",
        "level": -3,
        "active": false,
        "born": null,
        "subjects": [" art", "maths"[..4].to_owned()],
        "languages": ["en", "pt-BR"],
        "address": {"line": " 1 "},
        "slots": [{"line": "a"}, {"line": "b", "note": null}],
        "settings": {"a": [1, null]},
    }))
    .unwrap();
    assert_eq!(
        Value::Object(made),
        json!({
            "name": "Ana",
            "secret": " x ",
            "email": "ana@example.org",
            "code": "north-1",
            "level": -3,
            "active": false,
            "born": null,
            "subjects": ["art", "math"],
            "languages": ["en", "pt-BR"],
            "address": {"line": "1"},
            "slots": [{"line": "a"}, {"line": "b", "note": null}],
            "settings": {"a": [1, null]},
        })
    );
}

#[test]
fn every_error_is_reported_with_its_pointer() {
    let result = create(json!({
        "id": "0190163d-8694-739b-aea5-966c26f8ad90",
        "name": "",
        "email": 7,
        "level": 4,
        "active": "yes",
        "born": "2026-02-30",
        "subjects": ["art", "", "art"],
        "languages": ["", "en", "e!"],
        "address": {"note": "x", "street": 1},
        "slots": [{"line": "a"}, 5],
        "settings": [],
        "a/b~c": 1,
    }));
    let mut found = errors(result);
    found.sort();
    let mut expected = vec![
        ("/id".to_owned(), "read_only"),
        ("/name".to_owned(), "too_short"),
        ("/email".to_owned(), "wrong_type"),
        ("/level".to_owned(), "out_of_range"),
        ("/active".to_owned(), "wrong_type"),
        ("/born".to_owned(), "invalid_date"),
        ("/subjects/1".to_owned(), "too_short"),
        ("/subjects/2".to_owned(), "duplicate"),
        ("/languages/0".to_owned(), "too_short"),
        ("/languages/2".to_owned(), "invalid_language"),
        ("/address/street".to_owned(), "unknown_field"),
        ("/address/line".to_owned(), "required"),
        ("/slots/1".to_owned(), "wrong_type"),
        ("/settings".to_owned(), "wrong_type"),
        ("/a~1b~0c".to_owned(), "unknown_field"),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_creating_body_must_have_what_is_required() {
    assert_eq!(
        errors(create(json!({}))),
        [("/name".to_owned(), "required")]
    );
    assert_eq!(
        errors(create(json!({"name": null}))),
        [("/name".to_owned(), "null")]
    );
}

#[test]
fn a_patch_may_leave_out_anything_and_clears_by_null() {
    assert_eq!(update(json!({})).unwrap(), Map::new());
    assert_eq!(
        update(json!({"email": null})).unwrap(),
        object(json!({"email": null}))
    );
    assert_eq!(
        errors(update(json!({"level": null}))),
        [("/level".to_owned(), "null")]
    );
    assert_eq!(
        errors(update(json!({"code": "south"}))),
        [("/code".to_owned(), "not_changeable")]
    );
}

#[test]
fn a_patch_of_an_object_names_what_changes_in_it() {
    let patch = json!({"address": {"note": null}, "settings": {"a": null}});
    assert_eq!(Value::Object(update(patch.clone()).unwrap()), patch);
    assert_eq!(
        errors(update(json!({"address": {"line": null, "street": 1}}))),
        [
            ("/address/line".to_owned(), "null"),
            ("/address/street".to_owned(), "unknown_field")
        ]
    );
    // A list is replaced as a whole, and so are its objects.
    assert_eq!(
        errors(update(json!({"slots": [{"note": null}]}))),
        [("/slots/0/line".to_owned(), "required")]
    );
}

#[test]
fn a_field_that_the_role_may_not_set_is_forbidden() {
    let given = object(json!({"name": "Ana", "level": 9}));
    let problem = body(
        FIELDS.iter(),
        Fields::Only(&["name"]),
        WriteMode::Create,
        &given,
    )
    .unwrap_err();
    assert_eq!(problem.kind, problem::Kind::Forbidden);
    assert_eq!(problem.errors.len(), 1);
    assert_eq!(problem.errors[0].pointer, "/level");
    assert_eq!(problem.errors[0].code, "forbidden_field");
}

#[test]
fn a_body_of_mistakes_is_answered_by_a_bounded_list() {
    let given: Map<String, Value> = (0..5_000).map(|n| (format!("f{n}"), json!(1))).collect();
    let problem = body(FIELDS.iter(), Fields::All, WriteMode::Create, &given).unwrap_err();
    assert_eq!(problem.errors.len(), MAX_ERRORS);
    let rows: Vec<Value> = (0..500).map(|_| json!({})).collect();
    let problem = create(json!({"name": "Ana", "slots": rows})).unwrap_err();
    assert_eq!(problem.errors.len(), MAX_ERRORS);
}

#[test]
fn lists_are_bounded() {
    let many: Vec<String> = (0..4).map(|n| n.to_string()).collect();
    assert_eq!(
        errors(update(json!({"subjects": many}))),
        [("/subjects".to_owned(), "too_many_items")]
    );
    assert_eq!(
        errors(update(json!({"subjects": ["abcde"]}))),
        [("/subjects/0".to_owned(), "too_long")]
    );
    let many: Vec<Value> = (0..501).map(|_| json!({"line": "a"})).collect();
    assert_eq!(
        errors(update(json!({"slots": many}))),
        [("/slots".to_owned(), "too_many_items")]
    );
}

#[test]
fn free_json_is_bounded_and_holds_no_nul() {
    assert!(update(json!({"settings": {"a": "b"}})).is_ok());
    // Backslash, u and four zeros as text are six characters and not a NUL.
    assert!(update(json!({"settings": {"a": "\\u0000"}})).is_ok());
    for settings in [
        json!({"a": "\0"}),
        json!({"\0": 1}),
        json!({"a": [{"b": "x\0"}]}),
    ] {
        assert_eq!(
            errors(update(json!({"settings": settings}))),
            [("/settings".to_owned(), "invalid_text")]
        );
    }
    assert_eq!(
        errors(update(json!({"settings": {"a": "x".repeat(40)}}))),
        [("/settings".to_owned(), "too_long")]
    );
}

#[test]
fn a_client_cannot_send_derived_fields() {
    for result in [
        create(json!({"name": "A", "plan": {}})),
        update(json!({"plan": {}})),
    ] {
        assert_eq!(errors(result), [("/plan".to_owned(), "unknown_field")]);
    }
}

/// Generates JSON of any shape, often with the names of fields.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,10}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        ".{0,8}",
        proptest::sample::select(
            FIELDS
                .iter()
                .chain(INNER)
                .map(|field| field.name.to_owned())
                .collect::<Vec<_>>()
        ),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_checked_without_a_crash_and_what_passes_passes_again(value in json_value()) {
        if let Value::Object(given) = value {
            for mode in [WriteMode::Create, WriteMode::Update] {
                match body(FIELDS.iter(), Fields::All, mode, &given) {
                    Ok(checked) => {
                        prop_assert_eq!(checked.len(), given.len());
                        prop_assert_eq!(
                            body(FIELDS.iter(), Fields::All, mode, &checked).map_err(|_| ()),
                            Ok(checked)
                        );
                    }
                    Err(problem) => {
                        prop_assert_eq!(problem.status(), 422);
                        prop_assert!((1..=MAX_ERRORS).contains(&problem.errors.len()));
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_parsed_without_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(problem) = parse_object(&bytes) {
            prop_assert_eq!(problem.status(), 400);
        }
    }
}
