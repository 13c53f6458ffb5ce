//! Describes one operation: its parameters, its body, its responses and the roles that may call it.
//! Parameters are in `parameters`, schemas in `schema`, and the statuses of problems in `problems`.

use serde_json::{Map, Value, json};

use super::parameters::{self, query_parameter, shared};
use super::{problems, schema};
use crate::auth::policy::{Access, Verb};
use crate::auth::role::Role;
use crate::declare::action::Action;
use crate::declare::component::Component;
use crate::declare::endpoint::{Endpoint, Operation};
use crate::declare::resource;
use crate::declare::resource::{DRY_RUN, Resource};
use crate::declare::response_spec::ResponseSchema;
use crate::declare::statements::import::MAX_IMPORT_ROWS;

/// Returns the tag of an operation: the part before its first dot.
pub(super) fn tag(operation: &str) -> &str {
    operation.split('.').next().unwrap_or(operation)
}

/// Returns the operation object of an endpoint.
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
            parameter["description"] = match (endpoint.declared(name), endpoint.operation) {
                (Some(field), _) => json!(field.description),
                (None, Operation::Verb(resource, _)) => {
                    json!(format!(
                        "The unique identifier of the {}.",
                        resource.singular
                    ))
                }
                (None, Operation::Action(_)) => {
                    json!("The unique identifier of the resource in the path.")
                }
            };
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

/// Returns the response of an operation on success.
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
    let (singular, plural) = (resource.singular, resource.plural);
    let one = with_article(singular);
    match verb {
        Verb::List | Verb::Export | Verb::Action(_) => list(resource, &name),
        Verb::Get => json!({
            "summary": format!("Get {one}"),
            "parameters": [query_parameter(&resource::AS_OF), shared("IfNoneMatch")],
            "responses": success(
                200,
                answer(&format!("The {singular}."), &name)
            )
        }),
        Verb::Create => json!({
            "summary": format!("Create {one}"),
            "parameters": [key],
            "requestBody": body("application/json", reference(&format!("{name}Create"))),
            "responses": success(
                201,
                answer(&format!("The created {singular}."), &name)
            )
        }),
        Verb::Update => json!({
            "summary": format!("Update {one}"),
            "description": "A JSON Merge Patch (RFC 7396): an absent field is left unchanged, null clears a field, and \
                any other value sets it.",
            "parameters": [shared("IfMatch")],
            "requestBody": body("application/merge-patch+json", reference(&format!("{name}Update"))),
            "responses": success(
                200,
                answer(&format!("The updated {singular}."), &name)
            )
        }),
        Verb::Delete => json!({
            "summary": format!("Delete {one}"),
            "description": "A deleted resource can be restored.",
            "parameters": [shared("IfMatch")],
            "responses": success(
                204,
                json!({"description": "The resource is deleted."})
            )
        }),
        Verb::Restore => json!({
            "summary": format!("Restore {one}"),
            "parameters": [key],
            "responses": success(
                200,
                answer(&format!("The restored {singular}."), &name)
            )
        }),
        Verb::Import => json!({
            "summary": format!("Import {plural} from CSV"),
            "description": format!(
                "Imports all rows or none, at most {MAX_IMPORT_ROWS} rows and 64 MiB (60 MiB as JSON). Errors name the row, numbered as \
                in a spreadsheet, and the column. With `dry_run=true`, nothing is stored and the response is 200."
            ),
            "parameters": [
                query_parameter(&DRY_RUN),
                key
            ],
            "requestBody": body("text/csv", json!({"type": "string"})),
            "responses": {
                "200": import_report("The resources that would be created. Nothing was stored."),
                "201": import_report("The created resources, row by row.")
            }
        }),
    }
}

/// Puts the indefinite article before a noun. It depends on the first sound, not on the first
/// letter.
fn with_article(noun: &str) -> String {
    // The first letter of these nouns does not show their first sound.
    const SILENT_H: [&str; 4] = ["heir", "honest", "honour", "hour"];
    const CONSONANT_SOUND: [&str; 6] = ["eu", "one", "uni", "usa", "use", "uti"];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| noun.starts_with(prefix));
    let is_vowel = starts(&["a", "e", "i", "o", "u"]) && !starts(&CONSONANT_SOUND);
    let article = if is_vowel || starts(&SILENT_H) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

fn import_report(description: &str) -> Value {
    json!({
        "description": description,
        "content": {"application/json": {"schema": reference("ImportReport")}}
    })
}

fn list(resource: &Resource, name: &str) -> Value {
    let has_files = resource.verbs.contains(&Verb::Export);
    let only_with_files = |text: &'static str| if has_files { text } else { "" };
    let mut content = Map::new();
    content.insert(
        "application/json".to_owned(),
        json!({"schema": reference(&format!("{name}List"))}),
    );
    if has_files {
        content.insert("text/csv".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({
        "summary": format!("List {}", resource.plural),
        "parameters": parameters::of_list(resource),
        "responses": success(
            200,
            json!({
                "description": format!("A page of the list{}.", only_with_files(
                    ". With `Accept: text/csv`, a file of all items that match the filters, in the requested order"
                )),
                "headers": {"Link": {"description": "rel=\"next\"", "schema": {"type": "string"}}},
                "content": content
            })
        )
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
        // A body may be left out if all of its fields may be.
        operation["requestBody"]["required"] = json!(fields.iter().any(|field| field.required));
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_follows_the_sound() {
        for (noun, expected) in [
            ("assessment", "an assessment"),
            ("award", "an award"),
            ("electric bill", "an electric bill"),
            ("erasure", "an erasure"),
            ("hour", "an hour"),
            ("inventory item", "an inventory item"),
            ("holiday", "a holiday"),
            ("loan", "a loan"),
            ("tutor rate", "a tutor rate"),
            ("unit", "a unit"),
            ("user", "a user"),
        ] {
            assert_eq!(with_article(noun), expected);
        }
    }
}
