//! JSON Schemas of fields and resources. The operations that refer to them are in `operation`.

use serde_json::{Map, Value, json};

use crate::declare::field::{Field, Kind, Writable};
use crate::declare::resource::Resource;
use crate::declare::statements::single_row;

/// The pattern of a well-formed BCP 47 tag.
const LANGUAGE_TAG: &str = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$";

/// The pattern of a local date and time.
const LOCAL_TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$";
/// The pattern of a time of day.
const TIME_OF_DAY: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

/// The pattern of an amount of money above zero, as [`crate::values::money`] reads it.
const MONEY: &str = "^(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$";
/// The pattern of an amount of money that may be zero or negative.
const SIGNED_MONEY: &str = "^-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$";

/// Returns the name of a resource's schema: `finance record` becomes `FinanceRecord`.
pub(super) fn name(resource: &Resource) -> String {
    resource
        .singular
        .split(' ')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

/// Adds the schemas of a resource: reading, creating, changing and listing.
pub(super) fn of_resource(schemas: &mut Map<String, Value>, resource: &Resource) {
    let name = name(resource);
    let shown = resource
        .all_fields()
        .filter(|field| field.writable != Writable::Derived && field.condition.is_none());
    let mut read = object(shown, |_| false);
    // Fields that a role may not see are left out, so only the id is always present.
    read["required"] = json!(["id"]);
    read["description"] = json!(resource.description);
    schemas.insert(name.clone(), read);
    schemas.insert(
        format!("{name}Create"),
        object(single_row::settable(resource), |field| field.required),
    );
    let changeable = resource
        .fields
        .iter()
        .filter(|field| field.writable == Writable::Always);
    schemas.insert(format!("{name}Update"), object(changeable, |_| false));
    schemas.insert(
        format!("{name}List"),
        json!({
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}},
                "next_cursor": {"type": ["string", "null"], "description": "The cursor of the next page. Null on the last page."},
                "count": {"type": "integer", "description": "The total number of matching items, if `count=exact` was requested."}
            },
            "additionalProperties": false
        }),
    );
}

/// Returns the schema of an object with these fields and no others.
pub(super) fn object(
    fields: impl Iterator<Item = &'static Field>,
    required: impl Fn(&Field) -> bool,
) -> Value {
    let mut properties = Map::new();
    let mut names = Vec::new();
    for field in fields {
        if required(field) {
            names.push(field.name);
        }
        properties.insert(field.name.to_owned(), of_field(field));
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    });
    if !names.is_empty() {
        schema["required"] = json!(names);
    }
    schema
}

/// Returns the schema of a field.
pub(super) fn of_field(field: &Field) -> Value {
    let mut schema = of_kind(field.kind);
    if field.nullable {
        let kind = schema["type"].take();
        schema["type"] = json!([kind, "null"]);
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    if matches!(field.writable, Writable::Never | Writable::Computed) {
        schema["readOnly"] = json!(true);
    }
    if matches!(field.kind, Kind::Password { .. }) {
        schema["writeOnly"] = json!(true);
    }
    schema["description"] = json!(field.description);
    schema
}

/// Returns the schema of a kind of value.
pub(super) fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Text { min, max }
        | Kind::Multiline { min, max }
        | Kind::Secret { min, max }
        | Kind::Password { min, max } => {
            json!({"type": "string", "minLength": min, "maxLength": max})
        }
        Kind::Email => json!({"type": "string", "format": "email", "maxLength": 254}),
        Kind::Phone => json!({"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$"}),
        Kind::Slug => {
            json!({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 2, "maxLength": 63})
        }
        Kind::OneOf(values) => json!({"type": "string", "enum": values}),
        Kind::Id => json!({"type": "string", "format": "uuid"}),
        Kind::Reference(table) => reference(table),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => json!({"type": "string", "format": "date-time"}),
        Kind::LocalTime => patterned(LOCAL_TIME, "2026-03-29T16:00:00"),
        Kind::TimeOfDay => patterned(TIME_OF_DAY, "16:00"),
        Kind::Decimal { min, max, places } => json!({
            "type": "number",
            "minimum": min,
            "maximum": max,
            // `multipleOf` is not used, because 0.3333 is not a multiple of 0.0001 for validators
            // that count in binary.
            "x-decimal-places": places
        }),
        Kind::Money => described(
            patterned(MONEY, "125.50"),
            "A positive amount with at most as many decimal places as its currency has.",
        ),
        Kind::SignedMoney => described(
            patterned(SIGNED_MONEY, "-125.50"),
            "An amount with the decimal places of its currency. It can be zero or negative.",
        ),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::TimeZone => {
            json!({"type": "string", "description": "An IANA time zone.", "examples": ["Europe/London"]})
        }
        Kind::Currency => patterned("^[A-Z]{3}$", "EUR"),
        Kind::TextList { items, max } => set(
            items,
            json!({"type": "string", "minLength": 1, "maxLength": max}),
        ),
        Kind::References { table, items } => set(items, reference(table)),
        Kind::Language => {
            json!({"type": "string", "maxLength": 35, "pattern": LANGUAGE_TAG, "examples": ["pt-BR"]})
        }
        Kind::Languages => set(20, json!({"type": "string", "pattern": LANGUAGE_TAG})),
        Kind::Object(fields) => object(fields.iter(), |field| field.required),
        Kind::Json { .. } => json!({"type": "object"}),
        Kind::Rows([]) => json!({"type": "array", "items": {"type": "object"}}),
        Kind::Rows(fields) => json!({
            "type": "array",
            "items": object(fields.iter(), |field| field.required)
        }),
    }
}

/// Returns the schema of the id of a row of a table.
fn reference(table: &str) -> Value {
    json!({"type": "string", "format": "uuid", "x-refers-to": table})
}

/// Returns the schema of a text that matches a pattern, with an example.
fn patterned(pattern: &str, example: &str) -> Value {
    json!({"type": "string", "pattern": pattern, "examples": [example]})
}

/// Adds a description to a schema.
fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}

/// Returns the schema of a list of distinct items.
fn set(max_items: usize, item: Value) -> Value {
    json!({"type": "array", "maxItems": max_items, "uniqueItems": true, "items": item})
}

/// Returns the schemas that belong to no resource.
pub(super) fn shared() -> Map<String, Value> {
    Map::from_iter([
        ("Problem".to_owned(), problem()),
        ("ImportReport".to_owned(), import_report()),
    ])
}

/// Returns the schema of a problem.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "The details of a problem (RFC 9457).",
        "required": ["type", "title", "status", "request_id"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "A URI reference that identifies the kind of problem and leads to its page, such as `/problems/not-found`."
            },
            "title": {"type": "string", "description": "A short description of the kind of problem."},
            "status": {
                "type": "integer",
                "minimum": 400,
                "maximum": 599,
                "description": "The HTTP status code."
            },
            "detail": {
                "type": "string",
                "description": "What is wrong with this request and what to do about it."
            },
            "request_id": {
                "type": "string",
                "description": "The id of the request, as in the `X-Request-Id` header."
            },
            "errors": {
                "type": "array",
                "description": "The fields, parameters or headers that are wrong, at most 100.",
                "items": field_error()
            }
        },
        "additionalProperties": false
    })
}

/// Returns the schema of an error in a problem.
fn field_error() -> Value {
    json!({
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                "type": "string",
                "description": "A JSON pointer (RFC 6901) into the body, the name of a query parameter after `?`, or the name of a header."
            },
            "code": {"type": "string", "description": "A stable code for programs."},
            "detail": {"type": "string", "description": "What is wrong, for people."}
        },
        "additionalProperties": false
    })
}

/// Returns the schema of the response to an import.
fn import_report() -> Value {
    json!({
        "type": "object",
        "required": ["dry_run", "created", "rows"],
        "properties": {
            "dry_run": {"type": "boolean", "description": "Whether the import was a dry run."},
            "created": {
                "type": "integer",
                "minimum": 0,
                "description": "The number of resources created, or that would be created by a dry run."
            },
            "rows": {
                "type": "array",
                "description": "The imported rows.",
                "items": {
                    "type": "object",
                    "properties": {
                        "row": {"type": "integer", "description": "The number of the row in the file. The header is row 1."},
                        "id": {
                            "type": "string",
                            "format": "uuid",
                            "description": "The unique identifier of the created resource."
                        },
                        "outcome": {"type": "string", "enum": ["create"], "description": "What was done with the row."}
                    },
                    "additionalProperties": false
                }
            }
        },
        "additionalProperties": false
    })
}
