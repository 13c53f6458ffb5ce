//! One operation: parameters, body, answers, and which roles may call it.

use serde_json::{Map, Value, json};

use super::{problems, schema};
use crate::auth::policy::{Access, Verb};
use crate::auth::role::Role;
use crate::declare::action::Action;
use crate::declare::component::{Component, Endpoint, Operation};
use crate::declare::field::{Field, Kind};
use crate::declare::resource;
use crate::declare::resource::Resource;
use crate::declare::response_spec::ResponseSchema;
use crate::declare::statements::filter::Operator;
use crate::declare::statements::import::MAX_IMPORT_ROWS;
use crate::declare::statements::listing::{self, DEFAULT_LIMIT, MAX_ROWS};

/// The tag of an operation: what stands before its first dot.
pub(super) fn tag(operation: &str) -> &str {
    operation.split('.').next().unwrap_or(operation)
}

/// Headers and the cursor that many operations share.
pub(super) fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same key with the same request is done once and answered alike for 24 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        },
        "RequiredIdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "The same key with the same request is done once and answered alike for 24 hours; 428 without one.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255}
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of the version that is changed; 412 when it has changed since.",
            "schema": {"type": "string"}
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag that is known; 304 when it still holds.",
            "schema": {"type": "string"}
        }
    })
}

fn shared(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// The operation object of an endpoint.
pub(super) fn describe(component: &Component, endpoint: &Endpoint) -> Value {
    let requires_key = component.requires_key(endpoint);
    let key = shared(match requires_key {
        true => "RequiredIdempotencyKey",
        false => "IdempotencyKey",
    });
    let mut operation = match endpoint.operation {
        Operation::Verb(resource, verb) => plain(resource, verb, &key),
        Operation::Action(action) => written(action, key),
    };
    for status in problems::of(component, endpoint) {
        operation["responses"][status.to_string()] = problem(status);
    }
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        responses.sort_keys();
    }
    let id = endpoint.operation_id();
    operation["tags"] = json!([tag(&id)]);
    operation["operationId"] = json!(id);
    path_parameters(&mut operation, endpoint);
    match endpoint.access() {
        Access::Public => operation["security"] = json!([]),
        Access::SignedIn => operation["x-roles"] = json!(component.application.roles),
        Access::Granted { resource, verb } => {
            let roles: Vec<&Role> = component
                .application
                .roles
                .iter()
                .filter(|role| component.grant(resource, **role, verb).is_some())
                .collect();
            operation["x-roles"] = json!(roles);
        }
    }
    operation
}

fn path_parameters(operation: &mut Value, endpoint: &Endpoint) {
    let named = endpoint
        .segments()
        .filter_map(|segment| endpoint.parameter(segment))
        .map(|(name, kind)| {
            let mut parameter = json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": schema::of_kind(kind)
            });
            if let Some(field) = endpoint.declared(name) {
                parameter["description"] = json!(field.description);
            }
            parameter
        });
    let mut parameters: Vec<Value> = named.collect();
    if let Some(Value::Array(others)) = operation.get("parameters") {
        parameters.extend(others.iter().cloned());
    }
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
}

/// The response of an operation that succeeds.
fn success(status: u16, response: Value) -> Value {
    Value::Object(Map::from_iter([(status.to_string(), response)]))
}

fn problem(status: u16) -> Value {
    let name = match status {
        304 => "NotModified".to_owned(),
        _ => format!("Problem{status}"),
    };
    json!({"$ref": format!("#/components/responses/{name}")})
}

fn body(media: &str, schema: Value) -> Value {
    json!({"required": true, "content": {media: {"schema": schema}}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn answer(description: &str, name: &str) -> Value {
    json!({
        "description": description,
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": reference(name)}}
    })
}

fn plain(resource: &Resource, verb: Verb, key: &Value) -> Value {
    let name = schema::name(resource);
    let (noun, singular) = (resource.name, resource.singular);
    match verb {
        Verb::List | Verb::Export | Verb::Action(_) => list(resource, &name),
        Verb::Get => json!({
            "summary": format!("Get a {singular}"),
            "parameters": [query_parameter(&resource::AS_OF), shared("IfNoneMatch")],
            "responses": success(
                200,
                answer(&format!("The {singular}."), &name)
            )
        }),
        Verb::Create => json!({
            "summary": format!("Create a {singular}"),
            "parameters": [key],
            "requestBody": body("application/json", reference(&format!("{name}Create"))),
            "responses": success(
                201,
                answer(&format!("The {singular} that was made."), &name)
            )
        }),
        Verb::Update => json!({
            "summary": format!("Change a {singular}"),
            "description": "JSON Merge Patch (RFC 7396): absent leaves, null clears, a value sets.",
            "parameters": [shared("IfMatch")],
            "requestBody": body("application/merge-patch+json", reference(&format!("{name}Update"))),
            "responses": success(
                200,
                answer(&format!("The {singular} as it is now."), &name)
            )
        }),
        Verb::Delete => json!({
            "summary": format!("Delete a {singular}"),
            "description": "It can be restored.",
            "parameters": [shared("IfMatch")],
            "responses": success(
                204,
                json!({"description": "It is deleted."})
            )
        }),
        Verb::Restore => json!({
            "summary": format!("Restore a {singular}"),
            "parameters": [key],
            "responses": success(
                200,
                answer(&format!("The {singular} that was brought back."), &name)
            )
        }),
        Verb::Import => json!({
            "summary": format!("Import {noun} from CSV"),
            "description": format!(
                "All rows or none, at most {MAX_IMPORT_ROWS} of them and 64 MiB (as JSON 60). Errors name row and column as a \
                spreadsheet numbers them. With dry_run=true nothing is kept and the answer is 200."
            ),
            "parameters": [
                {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
                key
            ],
            "requestBody": body("text/csv", json!({"type": "string"})),
            "responses": {
                "200": import_report("What would be made; nothing was kept."),
                "201": import_report("What was made, row by row.")
            }
        }),
    }
}

fn import_report(description: &str) -> Value {
    json!({
        "description": description,
        "content": {"application/json": {"schema": reference("ImportReport")}}
    })
}

fn list(resource: &Resource, name: &str) -> Value {
    let sortable: Vec<&str> = resource
        .all_fields()
        .filter(|field| field.sortable)
        .map(|field| field.name)
        .collect();
    let has_files = resource.verbs.contains(&Verb::Export);
    let only_with_files = |text: &'static str| if has_files { text } else { "" };
    let of_files = only_with_files(" A file (text/csv) has all rows unless this is given.");
    let mut parameters = vec![
        json!({
            "name": "limit",
            "in": "query",
            "description": format!("Most rows of this page.{of_files}"),
            "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": DEFAULT_LIMIT}
        }),
        json!({
            "name": "cursor",
            "in": "query",
            "description": "next_cursor of the page before.",
            "schema": {"type": "string"}
        }),
        json!({
            "name": "sort",
            "in": "query",
            "description": format!("Fields with - for descending: {}.", sortable.join(", ")),
            "schema": {"type": "string", "default": "-created_at"}
        }),
        json!({
            "name": "count",
            "in": "query",
            "description": format!("Counts all rows that match{}.", only_with_files("; not in a file")),
            "schema": {"type": "string", "enum": ["exact"]}
        }),
        json!({
            "name": "include_deleted",
            "in": "query",
            "description": "Deleted rows too; for admins.",
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
                "description": "Filter: the list holds this value.",
                "schema": schema::of_kind(Kind::Text { min: 0, max })
            }));
        }
    }
    let mut content = Map::new();
    content.insert(
        "application/json".to_owned(),
        json!({"schema": reference(&format!("{name}List"))}),
    );
    if has_files {
        content.insert("text/csv".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({
        "summary": format!("List {}", resource.name),
        "parameters": parameters,
        "responses": success(
            200,
            json!({
                "description": format!("A page{}.", only_with_files(
                    "; with Accept: text/csv a file of all rows that match the filters, in the order of sort"
                )),
                "headers": {"Link": {"description": "rel=\"next\"", "schema": {"type": "string"}}},
                "content": content
            })
        )
    })
}

fn query_parameter(field: &Field) -> Value {
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
            None => format!("Filter; operators: {}.", operators.join(", ")),
        },
        "schema": schema::of_kind(field.kind)
    })
}

fn written(action: &Action, key: Value) -> Value {
    let response = match action.response.schema {
        Some(ResponseSchema::Resource(resource)) => {
            answer(action.response.description, &schema::name(resource))
        }
        Some(ResponseSchema::Fields(fields)) => json!({
            "description": action.response.description,
            "content": {
                "application/json": {"schema": schema::object(fields.iter(), |field| field.required)}
            }
        }),
        Some(ResponseSchema::Representations(fields, others)) => {
            let mut content = Map::new();
            content.insert(
                "application/json".to_owned(),
                json!({"schema": schema::object(fields.iter(), |field| field.required)}),
            );
            for other in others {
                content.insert(
                    other.media.to_owned(),
                    json!({"schema": {"type": "string"}}),
                );
            }
            json!({"description": action.response.description, "content": content})
        }
        Some(ResponseSchema::Document(media)) => json!({
            "description": action.response.description,
            "content": {media: {"schema": {"type": "string"}}}
        }),
        None => json!({"description": action.response.description}),
    };
    let mut parameters: Vec<Value> = action.query.iter().map(query_parameter).collect();
    if action.method == http::Method::POST && !matches!(action.access, Access::Public) {
        parameters.push(key);
    }
    let mut operation = json!({
        "summary": action.summary,
        "responses": success(action.response.status, response)
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(fields) = action.body {
        operation["requestBody"] = body(
            "application/json",
            schema::object(fields.iter(), |field| field.required),
        );
        // A body of which everything may be left out may be left out itself.
        operation["requestBody"]["required"] = json!(fields.iter().any(|field| field.required));
    }
    operation
}
