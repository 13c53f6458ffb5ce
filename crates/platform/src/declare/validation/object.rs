//! Checks the members of a JSON object against its fields, and each value against its kind. Lists
//! are checked in `lists`, and scalar values in `json_scalar`.

use serde_json::{Map, Value};

use super::json::escape_pointer;
use super::json_scalar::{self, refuse};
use super::lists;
use crate::declare::field::{Field, Kind, Writable};
use crate::values::field_error::{FieldError, MAX_ERRORS};

/// The maximum number of objects in a list.
const MAX_ROWS: usize = 500;

/// The purpose of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// The body creates something, so required fields must be present.
    Create,
    /// The body changes something (RFC 7396), so absent fields stay as they are.
    Update,
}

/// Checks the members of an object at the pointer. It adds the errors to `errors`, and returns the
/// values as the database takes them.
pub(super) fn checked(
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
        let at = format!("{pointer}/{}", escape_pointer(name));
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
            Value::Object(object) => Some(Value::Object(checked(
                fields.iter(),
                mode,
                pointer,
                object,
                errors,
            ))),
            _ => refuse(errors, pointer, "wrong_type", "Must be an object."),
        },
        Kind::Rows(fields) => rows(value, fields, pointer, errors),
        Kind::Json { bytes } => lists::free_object(value, bytes, pointer, errors),
        Kind::Boolean => json_scalar::boolean(value, pointer, errors),
        Kind::Integer { min, max } => json_scalar::integer(value, min, max, pointer, errors),
        Kind::Decimal { min, max, places } => {
            json_scalar::decimal(value, (min, max), places, pointer, errors)
        }
        // A JSON number has already been converted to a float here.
        Kind::Money | Kind::SignedMoney if !value.is_string() => refuse(
            errors,
            pointer,
            "wrong_type",
            "Must be an amount as a string, such as \"125.50\".",
        ),
        _ => json_scalar::string(kind, value, pointer, errors),
    };
    if errors.len() > before { None } else { result }
}

/// Checks a list of objects with these fields and no others.
fn rows(
    value: &Value,
    fields: &'static [Field],
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Value::Array(list) = value else {
        return refuse(errors, pointer, "wrong_type", "Must be a list of objects.");
    };
    if list.len() > MAX_ROWS {
        let detail = format!("Must have at most {MAX_ROWS} items.");
        return refuse(errors, pointer, "too_many_items", detail);
    }
    let mut checked = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        // A patch replaces a list as a whole, so its objects are new ones.
        let at = format!("{pointer}/{index}");
        checked.extend(check(
            Kind::Object(fields),
            item,
            WriteMode::Create,
            &at,
            errors,
        ));
    }
    Some(Value::Array(checked))
}
