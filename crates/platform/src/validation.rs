//! From JSON to values: checks a body against its fields and collects every error, not the first alone.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use crate::field::{Field, Kind, Setting};
use crate::policy::Fields;
use crate::problem::{self, FieldError, Problem};

/// What the body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make something: required fields must be there.
    Create,
    /// To change something (RFC 7396): what is absent stays.
    Update,
}

/// Parses a body as a JSON object.
///
/// # Errors
///
/// 400 when the text is not JSON (with line and column), or not an object.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::new(problem::Kind::Malformed)
            .detail("The body must be a JSON object, in braces.")),
        Err(error) => Err(Problem::new(problem::Kind::Malformed)
            .detail(format!("The body is not valid JSON: {error}."))),
    }
}

/// Checks a body against the fields and gives the values as the database takes them.
///
/// # Errors
///
/// 403 for a field that the role may not set; 422 with every other error.
pub fn body(
    fields: impl Iterator<Item = &'static Field> + Clone,
    writes: Fields,
    purpose: Purpose,
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
                "Your role may not set this field.",
            )
        })
        .collect();
    if !forbidden.is_empty() {
        return Err(Problem {
            errors: forbidden,
            ..Problem::new(problem::Kind::Forbidden)
        });
    }
    let mut errors = Vec::new();
    let values = object_of(fields, purpose, "", object, &mut errors);
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn object_of(
    fields: impl Iterator<Item = &'static Field> + Clone,
    purpose: Purpose,
    pointer: &str,
    object: &Map<String, Value>,
    errors: &mut Vec<FieldError>,
) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, value) in object {
        let at = format!("{pointer}/{}", escape_pointer(name));
        let Some(field) = fields.clone().find(|field| field.name == name) else {
            errors.push(FieldError::new(
                at,
                "unknown_field",
                "There is no such field.",
            ));
            continue;
        };
        match (field.setting, purpose) {
            (Setting::Never, _) => {
                errors.push(FieldError::new(
                    at,
                    "read_only",
                    "This field can't be set; leave it out.",
                ));
                continue;
            }
            (Setting::OnCreate, Purpose::Update) => {
                errors.push(FieldError::new(
                    at,
                    "not_changeable",
                    "This field can't be changed later.",
                ));
                continue;
            }
            _ => {}
        }
        if value.is_null() {
            if field.nullable {
                values.insert(name.clone(), Value::Null);
            } else {
                errors.push(FieldError::new(at, "null", "This field can't be null."));
            }
            continue;
        }
        match check(field.kind, value, &at, errors) {
            Some(value) => values.insert(name.clone(), value),
            None => continue,
        };
    }
    if purpose == Purpose::Create {
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

/// Escapes a member's name for a JSON pointer (RFC 6901, section 3), bounded so that an answer stays small.
fn escape_pointer(name: &str) -> String {
    name.chars()
        .take(100)
        .collect::<String>()
        .replace('~', "~0")
        .replace('/', "~1")
}

/// Checks one value; adds what is wrong to `errors`, or gives the value as the database takes it.
pub fn check(
    kind: Kind,
    value: &Value,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let before = errors.len();
    let result = match kind {
        Kind::TextList { items, max } => text_list(value, items, max, pointer, errors),
        Kind::Languages => languages(value, pointer, errors),
        Kind::Object(fields) => match value {
            Value::Object(object) => Some(Value::Object(object_of(
                fields.iter(),
                Purpose::Create,
                pointer,
                object,
                errors,
            ))),
            _ => refuse(errors, pointer, "wrong_type", "This must be an object."),
        },
        Kind::Rows(fields) => rows(value, fields, pointer, errors),
        Kind::Json { bytes } => free_json(value, bytes, pointer, errors),
        Kind::Boolean if value.is_boolean() => Some(value.clone()),
        Kind::Boolean => refuse(
            errors,
            pointer,
            "wrong_type",
            "This must be true or false.",
        ),
        Kind::Integer { min, max } => integer(value, min, max, pointer, errors),
        _ => match value {
            Value::String(text) => match scalar(kind, text) {
                Ok(text) => Some(Value::String(text)),
                Err((code, detail)) => refuse(errors, pointer, code, detail),
            },
            _ => refuse(errors, pointer, "wrong_type", "This must be a text."),
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
            format!("This must be between {min} and {max}."),
        ),
        None => refuse(
            errors,
            pointer,
            "wrong_type",
            format!("This must be a whole number between {min} and {max}."),
        ),
    }
}

fn text_list(
    value: &Value,
    items: usize,
    max: usize,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Value::Array(list) = value else {
        return refuse(errors, pointer, "wrong_type", "This must be a list of texts.");
    };
    if list.len() > items {
        let detail = format!("This may have at most {items} items.");
        return refuse(errors, pointer, "too_many_items", detail);
    }
    let mut seen = BTreeSet::new();
    let kind = Kind::Text { min: 1, max };
    let mut checked = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        let Some(item) = check(kind, item, &at, errors) else {
            continue;
        };
        if !seen.insert(item.to_string()) {
            errors.push(FieldError::new(at, "duplicate", "This item came before."));
        }
        checked.push(item);
    }
    Some(Value::Array(checked))
}

/// Most objects of a list in a body.
const MOST_ROWS: usize = 500;

fn rows(
    value: &Value,
    fields: &'static [Field],
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    let Value::Array(list) = value else {
        return refuse(errors, pointer, "wrong_type", "This must be a list of objects.");
    };
    if list.len() > MOST_ROWS {
        let detail = format!("This may have at most {MOST_ROWS} items.");
        return refuse(errors, pointer, "too_many_items", detail);
    }
    let checked = list
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            check(Kind::Object(fields), item, &format!("{pointer}/{index}"), errors)
        })
        .collect();
    Some(Value::Array(checked))
}

fn languages(value: &Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Value> {
    let list = text_list(value, 20, 35, pointer, errors)?;
    for (index, item) in list.as_array().into_iter().flatten().enumerate() {
        if !item.as_str().is_some_and(is_language_tag) {
            errors.push(FieldError::new(
                format!("{pointer}/{index}"),
                "invalid_language",
                "This must be a BCP 47 language tag, such as \"en\" or \"pt-BR\".",
            ));
        }
    }
    Some(list)
}

/// The shape of a well-formed BCP 47 tag: a language of letters, then subtags of letters and digits.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    language
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

fn free_json(
    value: &Value,
    bytes: usize,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) -> Option<Value> {
    if !value.is_object() {
        return refuse(errors, pointer, "wrong_type", "This must be an object.");
    }
    let text = value.to_string();
    if text.len() > bytes {
        let detail = format!("This may be at most {bytes} bytes of JSON.");
        return refuse(errors, pointer, "too_long", detail);
    }
    if text.contains("\\u0000") {
        return refuse(errors, pointer, "invalid_text", "Text can't hold a NUL character.");
    }
    Some(value.clone())
}

/// Checks a value that is written as text, in a body, a query or a CSV cell, and gives its normal form.
///
/// # Errors
///
/// The code and the sentence that say what is wrong.
pub fn scalar(kind: Kind, text: &str) -> Result<String, (&'static str, String)> {
    match kind {
        Kind::Text { min, max } => plain_text(text.trim(), min, max),
        Kind::Secret { min, max } => plain_text(text, min, max),
        Kind::Email => email(text.trim()),
        Kind::Phone => phone(text),
        Kind::Slug => slug(text),
        Kind::OneOf(values) => {
            if values.contains(&text) {
                Ok(text.to_owned())
            } else {
                Err(("not_allowed", format!("This must be one of: {}.", values.join(", "))))
            }
        }
        Kind::Id | Kind::Reference(_) => Uuid::try_parse(text)
            .map(|id| id.hyphenated().to_string())
            .map_err(|_| ("invalid_id", "This must be a UUID.".to_owned())),
        Kind::Date => date(text),
        Kind::Time => time(text),
        Kind::Integer { min, max } => match text.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            _ => Err((
                "out_of_range",
                format!("This must be a whole number between {min} and {max}."),
            )),
        },
        Kind::Boolean => match text {
            "true" | "false" => Ok(text.to_owned()),
            _ => Err(("wrong_type", "This must be true or false.".to_owned())),
        },
        Kind::TimeZone => text
            .parse::<chrono_tz::Tz>()
            .map(|zone| zone.name().to_owned())
            .map_err(|_| {
                (
                    "unknown_time_zone",
                    "This must be an IANA time zone, such as Europe/London.".to_owned(),
                )
            }),
        Kind::Currency => {
            if iso_currency::Currency::from_code(text).is_some() {
                Ok(text.to_owned())
            } else {
                Err((
                    "unknown_currency",
                    "This must be an ISO 4217 code, such as EUR.".to_owned(),
                ))
            }
        }
        Kind::TextList { .. }
        | Kind::Languages
        | Kind::Object(_)
        | Kind::Rows(_)
        | Kind::Json { .. } => {
            Err(("wrong_type", "This can't be written as text.".to_owned()))
        }
    }
}

fn plain_text(text: &str, min: usize, max: usize) -> Result<String, (&'static str, String)> {
    let length = text.chars().count();
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
        return Err((
            "invalid_text",
            "Text can't hold control characters.".to_owned(),
        ));
    }
    if length < min {
        let noun = if min == 1 { "character" } else { "characters" };
        return Err(("too_short", format!("This must have at least {min} {noun}.")));
    }
    if length > max {
        return Err(("too_long", format!("This may have at most {max} characters.")));
    }
    Ok(text.to_owned())
}

fn email(text: &str) -> Result<String, (&'static str, String)> {
    let refused = || {
        (
            "invalid_email",
            "This must be an e-mail address, such as ana@example.org.".to_owned(),
        )
    };
    let (local, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    let printable = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let labels = domain.split('.').count() > 1
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
    // RFC 5321, section 4.5.3.1: 64 octets for the local part, 254 for the whole.
    let lengths = (1..=64).contains(&local.len()) && text.len() <= 254;
    if printable && labels && lengths && !local.contains(['@', '"', '(', ')', ',', ';', '<', '>']) {
        Ok(text.to_lowercase())
    } else {
        Err(refused())
    }
}

fn phone(text: &str) -> Result<String, (&'static str, String)> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let number = digits.strip_prefix('+').unwrap_or_default();
    let sound = (7..=15).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    if sound {
        Ok(digits)
    } else {
        Err((
            "invalid_phone",
            "This must be an international number, such as +441632960000.".to_owned(),
        ))
    }
}

fn slug(text: &str) -> Result<String, (&'static str, String)> {
    let sound = (2..=63).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
    if sound {
        Ok(text.to_owned())
    } else {
        Err((
            "invalid_slug",
            "This takes 2 to 63 lower-case letters, digits and single hyphens.".to_owned(),
        ))
    }
}

fn date(text: &str) -> Result<String, (&'static str, String)> {
    let refused = (
        "invalid_date",
        "This must be a date between 1900 and 2199, such as 2026-03-29.".to_owned(),
    );
    // chrono also takes "2026-3-29" and years of other lengths; the interface has one form only.
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) if text.len() == 10 && ("1900".."2200").contains(&&text[..4]) => {
            Ok(date.to_string())
        }
        _ => Err(refused),
    }
}

fn time(text: &str) -> Result<String, (&'static str, String)> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) if ("1900".."2200").contains(&text.get(..4).unwrap_or_default()) => Ok(time
            .with_timezone(&Utc)
            .to_rfc3339_opts(SecondsFormat::Micros, true)),
        _ => Err((
            "invalid_time",
            "This must be an RFC 3339 time, such as 2026-03-29T16:00:00Z.".to_owned(),
        )),
    }
}
