//! Tests of kinds whose values have a JSON form of their own: numbers, local times, lists of ids.
//! The rules of a whole body are in the parent module.

use serde_json::json;

use super::{create, errors, update};

#[test]
fn integers_are_json_numbers() {
    for value in [
        json!(3.5),
        json!("3"),
        json!(null),
        json!([3]),
        json!(u64::MAX),
    ] {
        assert_eq!(errors(update(json!({"level": value}))).len(), 1, "{value}");
    }
    assert_eq!(
        errors(update(json!({"level": 4}))),
        [("/level".to_owned(), "out_of_range")]
    );
}

#[test]
fn decimals_are_json_numbers_with_few_places() {
    for good in [json!(0), json!(7.5), json!(7.25), json!(29.99), json!(30)] {
        assert!(create(json!({"name": "A", "age": good})).is_ok(), "{good}");
    }
    for bad in [json!(7.255), json!(-0.01), json!(30.01), json!(1e300)] {
        let found = errors(create(json!({"name": "A", "age": bad})));
        assert_eq!(found, [("/age".to_owned(), "out_of_range")], "{bad}");
    }
    let text = errors(create(json!({"name": "A", "age": "7.5"})));
    assert_eq!(text, [("/age".to_owned(), "wrong_type")]);
}

#[test]
fn times_of_the_wall_have_no_zone() {
    for (start, opens) in [
        ("2026-03-29T16:00:00", "00:00"),
        ("2199-12-31T23:59:59", "24:00"),
    ] {
        assert!(create(json!({"name": "A", "start": start, "opens": opens})).is_ok());
    }
    for (start, opens) in [
        ("2026-03-29T16:00:00Z", "24:01"),
        ("2026-03-29T16:00", "9:00"),
        ("2026-02-29T16:00:00", "09:00:00"),
        ("2026-03-29 16:00:00", "noon"),
        ("1899-03-29T16:00:00", ""),
    ] {
        let found = errors(create(json!({"name": "A", "start": start, "opens": opens})));
        let expected = [
            ("/opens".to_owned(), "invalid_time_of_day"),
            ("/start".to_owned(), "invalid_local_time"),
        ];
        assert_eq!(found, expected, "{start} {opens}");
    }
}

#[test]
fn a_list_of_references_holds_distinct_ids() {
    let id = "01a20a24-1a71-71cf-a98e-d3f624d40b7a";
    assert!(create(json!({"name": "A", "friends": [id]})).is_ok());
    let found = errors(create(json!({"name": "A", "friends": [id, id]})));
    assert_eq!(found, [("/friends/1".to_owned(), "duplicate")]);
    let found = errors(create(json!({"name": "A", "friends": ["x"]})));
    assert_eq!(found, [("/friends/0".to_owned(), "invalid_id")]);
    let found = errors(create(json!({"name": "A", "friends": [id, "x", "y"]})));
    assert_eq!(found, [("/friends".to_owned(), "too_many_items")]);
}
