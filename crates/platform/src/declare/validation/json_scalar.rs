//! Checks JSON strings, numbers and booleans of a body. The forms of values that are written as text
//! are checked in `scalar`.

use serde_json::{Number, Value};

use super::scalar;
use crate::declare::field::Kind;
use crate::values::field_error::FieldError;

/// Adds an error, and returns no value.
pub(super) fn refuse(
    errors: &mut Vec<FieldError>,
    pointer: &str,
    code: &'static str,
    detail: impl Into<String>,
) -> Option<Value> {
    errors.push(FieldError::new(pointer, code, detail));
    None
}

/// Checks a string that is written in the form of the kind, and returns its normal form.
pub(super) fn string(
    kind: Kind,
    value: &Value,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Value::String(text) = value else {
        return refuse(errors, pointer, "wrong_type", "Must be a string.");
    };
    match scalar::scalar(kind, text) {
        Ok(text) => Some(Value::String(text)),
        Err((code, detail)) => refuse(errors, pointer, code, detail),
    }
}

/// Checks a boolean.
pub(super) fn boolean(value: &Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Value> {
    if value.is_boolean() {
        return Some(value.clone());
    }
    refuse(errors, pointer, "wrong_type", "Must be true or false.")
}

/// Checks a number with decimal places, within inclusive bounds.
pub(super) fn decimal(
    value: &Value,
    (min, max): (i32, i32),
    places: u8,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Some(number) = value.as_f64() else {
        return refuse(errors, pointer, "wrong_type", "Must be a number.");
    };
    match scalar::decimal(number, min, max, places) {
        Ok(_) => Some(value.clone()),
        Err((code, detail)) => refuse(errors, pointer, code, detail),
    }
}

/// Checks a whole number within inclusive bounds.
pub(super) fn integer(
    value: &Value,
    min: i64,
    max: i64,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    match value.as_i64() {
        Some(number) if (min..=max).contains(&number) => Some(Value::Number(Number::from(number))),
        Some(_) => refuse(
            errors,
            pointer,
            "out_of_range",
            format!("Must be between {min} and {max}."),
        ),
        None => refuse(
            errors,
            pointer,
            "wrong_type",
            format!("Must be a whole number between {min} and {max}."),
        ),
    }
}
