//! Checks lists of texts, ids and language tags, and objects with any members. Lists of objects with
//! declared fields are checked in `object`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json_scalar::{refuse, string};
use crate::declare::field::Kind;
use crate::values::field_error::FieldError;

/// The maximum number of languages in a list.
const MAX_LANGUAGES: usize = 20;

/// Checks a list of distinct texts of at most `max` characters.
pub(super) fn texts(
    value: &Value,
    items: usize,
    max: usize,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let kind = Kind::Text { min: 1, max };
    distinct(value, items, kind, pointer, errors)
}

/// Checks a list of distinct ids.
pub(super) fn ids(
    value: &Value,
    items: usize,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    distinct(value, items, Kind::Id, pointer, errors)
}

/// Checks a list of distinct language tags.
pub(super) fn languages(
    value: &Value,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    distinct(value, MAX_LANGUAGES, Kind::Language, pointer, errors)
}

fn distinct(
    value: &Value,
    items: usize,
    kind: Kind,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Value::Array(list) = value else {
        return refuse(errors, pointer, "wrong_type", "Must be a list of strings.");
    };
    if list.len() > items {
        let detail = format!("Must have at most {items} items.");
        return refuse(errors, pointer, "too_many_items", detail);
    }
    let mut seen = BTreeSet::new();
    let mut checked = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        let Some(Value::String(text)) = string(kind, item, &at, errors) else {
            continue;
        };
        if !seen.insert(text.clone()) {
            errors.push(FieldError::new(
                at,
                "duplicate",
                "The item was given twice.",
            ));
        }
        checked.push(Value::String(text));
    }
    Some(Value::Array(checked))
}

/// Checks an object with any members.
pub(super) fn free_object(
    value: &Value,
    bytes: usize,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    if !value.is_object() {
        return refuse(errors, pointer, "wrong_type", "Must be an object.");
    }
    if value.to_string().len() > bytes {
        let detail = format!("Must be at most {bytes} bytes of JSON.");
        return refuse(errors, pointer, "too_long", detail);
    }
    if holds_nul(value) {
        return refuse(
            errors,
            pointer,
            "invalid_text",
            "Must not contain a NUL character.",
        );
    }
    Some(value.clone())
}

/// Returns true if the value contains the character NUL, which PostgreSQL cannot store, neither in
/// a text nor in the name of a member. The parser of the body has limited the depth.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(object) => object
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
