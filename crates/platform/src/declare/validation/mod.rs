//! Validates a body against its fields, and collects all errors. The kinds of values are checked in
//! `object`, `lists`, `json_scalar` and `scalar`.

mod json;
mod json_scalar;
mod lists;
mod object;
mod scalar;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::auth::policy::Fields;
use crate::declare::field::Field;
use crate::http::problem::{self, Problem};
use crate::values::field_error::FieldError;

pub use object::WriteMode;
pub use scalar::{decimal, id, scalar};

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
    let values = object::checked(fields, mode, "", object, &mut errors);
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Problem::invalid(errors))
    }
}
