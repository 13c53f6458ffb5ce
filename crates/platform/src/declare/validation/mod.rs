//! Validates a body against its fields, and collects all errors. The kinds of values are checked in
//! `object`, `lists` and `scalar`.

mod json;
mod lists;
mod scalar;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

use crate::auth::policy::Fields;
use crate::declare::field::{Field, Kind, Writable};
use crate::http::problem::{self, Problem};
use crate::values::field_error::{FieldError, MAX_ERRORS};

pub use scalar::{decimal, id, scalar};

/// The purpose of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The body creates something, so required fields must be present.
    Create,
    /// The body changes something (RFC 7396), so absent fields stay as they are.
    Update,
}

/// Parses a body as a JSON object.
///
/// # Errors
///
/// 400 when the text is not JSON (with line and column), when an object in it has a member twice
/// (with its pointer), or when it is not an object.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match json::parse(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => {
            Err(Problem::new(problem::Kind::Malformed).detail("The body must be a JSON object."))
        }
        Err(json::Fault::Repeated(pointer)) => Err(Problem::malformed(vec![FieldError::new(
            pointer,
            "duplicate",
            "The field was given twice.",
        )])),
        Err(json::Fault::Syntax(error)) => Err(Problem::new(problem::Kind::Malformed)
            .detail(format!("The body is not valid JSON: {error}."))),
    }
}

/// Returns the value of a JSON text, or none if it is not JSON or an object in it has a member
/// twice.
pub(crate) fn parse_value(text: &str) -> Option<Value> {
    json::parse(text.as_bytes()).ok()
}

/// Checks a body against the fields and returns the values as the database takes them.
///
/// # Errors
///
/// 403 for a field that the role may not set; 422 with all other errors.
pub fn body(
    fields: impl Iterator<Item = &'static Field> + Clone,
    writes: Fields,
    mode: WriteMode,
    object: &Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    let forbidden: Vec<FieldError> = object
        .keys()
        .filter(|name| fields.clone().any(|field| field.name == **name))
        .filter(|name| !writes.covers(name))
        .map(|name| {
            FieldError::new(
                format!("/{name}"),
                "forbidden_field",
                "Your role is not allowed to set this field.",
            )
        })
        .collect();
    if !forbidden.is_empty() {
        return Err(Problem::with(problem::Kind::Forbidden, forbidden));
    }
    let mut errors = Vec::new();
    let values = object_of(fields, mode, "", object, &mut errors);
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn object_of(
    fields: impl Iterator<Item = &'static Field> + Clone,
    mode: WriteMode,
    pointer: &str,
    object: &Map<String, Value>,
    errors: &mut Vec<FieldError>,
) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, value) in object {
        // The number of errors is limited, so that the response is not longer than the body.
        if errors.len() >= MAX_ERRORS {
            break;
        }
        let at = format!("{pointer}/{}", json::escape_pointer(name));
        let known = fields
            .clone()
            .find(|field| field.name == name && field.writable != Writable::Derived);
        let Some(field) = known else {
            errors.push(FieldError::new(at, "unknown_field", "No such field."));
            continue;
        };
        match (field.writable, mode) {
            (Writable::Never | Writable::Computed, _) => {
                errors.push(FieldError::new(
                    at,
                    "read_only",
                    "This field is read-only. Leave it out.",
                ));
                continue;
            }
            (Writable::OnCreate, WriteMode::Update) => {
                errors.push(FieldError::new(
                    at,
                    "not_changeable",
                    "This field cannot be changed after creation.",
                ));
                continue;
            }
            _ => {}
        }
        if value.is_null() {
            // Within an object, null removes the member (RFC 7396).
            let is_removed = mode == WriteMode::Update && !pointer.is_empty() && !field.required;
            if field.nullable || is_removed {
                values.insert(name.clone(), Value::Null);
            } else {
                errors.push(FieldError::new(at, "null", "Must not be null."));
            }
            continue;
        }
        match check(field.kind, value, mode, &at, errors) {
            Some(value) => values.insert(name.clone(), value),
            None => continue,
        };
    }
    if mode == WriteMode::Create {
        for field in fields.filter(|field| field.required && !object.contains_key(field.name)) {
            errors.push(FieldError::new(
                format!("{pointer}/{}", field.name),
                "required",
                "This field is required.",
            ));
        }
    }
    values
}

/// Checks one value. It adds the errors to `errors`, or returns the value as the database takes it.
fn check(
    kind: Kind,
    value: &Value,
    mode: WriteMode,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let before = errors.len();
    let result = match kind {
        Kind::TextList { items, max } => lists::texts(value, items, max, pointer, errors),
        Kind::References { items, .. } => lists::ids(value, items, pointer, errors),
        Kind::Languages => lists::languages(value, pointer, errors),
        Kind::Object(fields) => match value {
            Value::Object(object) => Some(Value::Object(object_of(
                fields.iter(),
                mode,
                pointer,
                object,
                errors,
            ))),
            _ => refuse(errors, pointer, "wrong_type", "Must be an object."),
        },
        Kind::Rows(fields) => lists::rows(value, fields, pointer, errors),
        Kind::Json { bytes } => lists::free(value, bytes, pointer, errors),
        Kind::Boolean if value.is_boolean() => Some(value.clone()),
        Kind::Boolean => refuse(errors, pointer, "wrong_type", "Must be true or false."),
        Kind::Integer { min, max } => integer(value, min, max, pointer, errors),
        Kind::Decimal { min, max, places } => match value.as_f64() {
            Some(number) => match decimal(number, min, max, places) {
                Ok(_) => Some(value.clone()),
                Err((code, detail)) => refuse(errors, pointer, code, detail),
            },
            None => refuse(errors, pointer, "wrong_type", "Must be a number."),
        },
        // A JSON number has already been converted to a float here.
        Kind::Money | Kind::SignedMoney if !value.is_string() => refuse(
            errors,
            pointer,
            "wrong_type",
            "Must be an amount as a string, such as \"125.50\".",
        ),
        _ => match value {
            Value::String(text) => match scalar(kind, text) {
                Ok(text) => Some(Value::String(text)),
                Err((code, detail)) => refuse(errors, pointer, code, detail),
            },
            _ => refuse(errors, pointer, "wrong_type", "Must be a string."),
        },
    };
    if errors.len() > before { None } else { result }
}

fn refuse(
    errors: &mut Vec<FieldError>,
    pointer: &str,
    code: &'static str,
    detail: impl Into<String>,
) -> Option<Value> {
    errors.push(FieldError::new(pointer, code, detail));
    None
}

fn integer(
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
