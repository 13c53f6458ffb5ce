//! The query of an endpoint that isn't a list: its parameters are declared like a body's fields.

use serde_json::{Map, Value};

use crate::field::Field;
use crate::problem::{FieldError, Problem};
use crate::request::Request;
use crate::validation;

/// The checked parameters, each as text in its normal form.
///
/// # Errors
///
/// 400 with every parameter that is unknown, repeated, missing or can't be parsed.
pub fn parameters(request: &Request, fields: &[Field]) -> Result<Map<String, Value>, Problem> {
    let mut values = Map::new();
    let mut errors = Vec::new();
    for pair in request.parameters() {
        let Some((name, value)) = pair else {
            errors.push(FieldError::parameter("", "invalid_text", "The query isn't valid UTF-8."));
            continue;
        };
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            errors.push(FieldError::parameter(
                &name,
                "unknown_parameter",
                "There is no such parameter.",
            ));
            continue;
        };
        match validation::scalar(field.kind, &value) {
            Ok(value) => {
                if values.insert(name, Value::from(value)).is_some() {
                    errors.push(FieldError::parameter(
                        field.name,
                        "duplicate",
                        "This parameter came before.",
                    ));
                }
            }
            Err((code, detail)) => errors.push(FieldError::parameter(field.name, code, detail)),
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        let is_given = values.contains_key(field.name)
            || errors.iter().any(|error| error.pointer.strip_prefix('?') == Some(field.name));
        if !is_given {
            errors.push(FieldError::parameter(
                field.name,
                "required",
                "This parameter is required.",
            ));
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Problem::malformed(errors))
    }
}
