//! The parameters of operations: shared headers, the query of a list and its filters. The operations
//! that have them are in `operation`.

use serde_json::{Value, json};

use super::schema;
use crate::auth::policy::Verb;
use crate::declare::field::{Field, Kind};
use crate::declare::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::declare::resource::Resource;
use crate::declare::statements::filter::Operator;
use crate::declare::statements::listing;

/// Returns the parameters that many operations share.
pub(super) fn components() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A key that makes retries safe. For 24 hours, a repeated request with the same key is \
                executed only once and gets the same response.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        },
        "RequiredIdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "A key that makes retries safe. For 24 hours, a repeated request with the same key is \
                executed only once and gets the same response. Without a key, the response is 428.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of the version to change. If the resource has changed since, the response is 412.",
            "schema": {"type": "string"}
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag of a version that the client has. If it is still current, the response is 304.",
            "schema": {"type": "string"}
        }
    })
}

/// Returns the reference to a parameter that operations share.
pub(super) fn shared(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// Returns the parameters of a list.
pub(super) fn of_list(resource: &Resource) -> Vec<Value> {
    let sortable: Vec<&str> = resource
        .all_fields()
        .filter(|field| field.sortable)
        .map(|field| field.name)
        .collect();
    let has_files = resource.verbs.contains(&Verb::Export);
    let only_with_files = |text: &'static str| if has_files { text } else { "" };
    let of_files = only_with_files(" A file (`text/csv`) has all rows unless a limit is given.");
    let mut parameters = vec![
        json!({
            "name": "limit",
            "in": "query",
            "description": format!("The maximum number of items in the page.{of_files}"),
            "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        }),
        json!({
            "name": "cursor",
            "in": "query",
            "description": "The `next_cursor` of the previous page.",
            "schema": {"type": "string"}
        }),
        json!({
            "name": "sort",
            "in": "query",
            "description": format!("The fields to sort by, separated by commas, each with a leading `-` for descending order: {}.", sortable.join(", ")),
            "schema": {"type": "string", "default": "-created_at"}
        }),
        json!({
            "name": "count",
            "in": "query",
            "description": format!("Adds the total number of matching items to the page as `count`{}.", only_with_files("; not available for a file")),
            "schema": {"type": "string", "enum": ["exact"]}
        }),
        json!({
            "name": "include_deleted",
            "in": "query",
            "description": "Whether to include deleted items. For admins only.",
            "schema": {"type": "boolean"}
        }),
    ];
    for field in resource.all_fields() {
        if field.filterable {
            parameters.push(filter(field.name.to_owned(), field));
        }
        for member in listing::filterable_members(field) {
            parameters.push(filter(format!("{}.{}", field.name, member.name), member));
        }
        if let (Some(_), Kind::TextList { max, .. }) = (field.filter_function, field.kind) {
            parameters.push(json!({
                "name": format!("{}.has", field.name),
                "in": "query",
                "description": "Filter: only items whose list contains this value.",
                "schema": schema::of_kind(Kind::Text { min: 0, max })
            }));
        }
    }
    parameters
}

/// Returns a parameter of a query.
pub(super) fn query_parameter(field: &Field) -> Value {
    json!({
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.description,
        "schema": schema::of_kind(field.kind)
    })
}

fn filter(name: String, field: &Field) -> Value {
    let operators: Vec<&str> = Operator::ALL
        .into_iter()
        .filter(|operator| operator.fits(field))
        .map(Operator::name)
        .collect();
    json!({
        "name": name,
        "in": "query",
        "description": match field.condition {
            Some(_) => format!("Filter: {}", field.description),
            None => format!("Filter. Operators: {}.", operators.join(", ")),
        },
        "schema": schema::of_kind(field.kind)
    })
}
