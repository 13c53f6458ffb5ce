//! The OpenAPI 3.1 document, derived from the tables of the components. It is generated natively,
//! by `lms openapi` and the tests, and the docs component serves the checked-in result.

#[cfg(test)]
mod tests;

mod operation;
mod parameters;
mod problems;
mod schema;

use serde_json::{Map, Value, json};

use crate::declare::component::Component;
use crate::declare::endpoint::Operation;
use crate::http::problem;

/// Returns the document of all components.
pub fn document(components: &[&Component], version: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas = schema::shared();
    for component in components {
        for resource in component.resources {
            schema::of_resource(&mut schemas, resource);
        }
        for endpoint in component.endpoints() {
            let path = paths
                .entry(endpoint.template())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(operations) = path {
                operations.insert(
                    endpoint.method.as_str().to_ascii_lowercase(),
                    operation::describe(component, &endpoint),
                );
            }
        }
    }
    paths.sort_keys();
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": components.first().map(|component| component.application.title),
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/", "description": "This region"}],
        "security": [{"bearer": []}],
        "tags": tags(components),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` from `POST /v1/auth/login`, valid for 15 minutes."
                }
            },
            "schemas": schemas,
            "parameters": parameters::components(),
            "responses": responses()
        }
    })
}

const DESCRIPTION: &str = "Times are RFC 3339 timestamps in UTC, dates have the form YYYY-MM-DD, and ids are version 7 \
    UUIDs. Errors are `application/problem+json` (RFC 9457). Unknown fields and parameters are errors. Bodies are in \
    UTF-8, and a header with a single value must be sent only once. Lists are paged with `next_cursor`, and filtered \
    with `field=value` or `field.operator=value`, where the operator is one of `ne`, `gt`, `gte`, `lt`, `lte`, `in`, \
    `like` (with `*`) and `null`.";

fn tags(components: &[&Component]) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for component in components {
        for resource in component.resources {
            tags.push(json!({"name": resource.name, "description": resource.description}));
        }
        for endpoint in component.endpoints() {
            if let Operation::Action(action) = endpoint.operation {
                let name = operation::tag(action.id);
                if !tags.iter().any(|tag| tag["name"] == name) {
                    let mut groups = component.application.groups.iter();
                    let group = groups.find(|(group, _)| *group == name);
                    tags.push(json!({"name": name, "description": group.map(|(_, description)| description)}));
                }
            }
        }
    }
    tags
}

/// Returns the responses that operations share, one for each status of a problem. Several kinds may
/// have the same status.
fn responses() -> Value {
    let mut responses = Map::new();
    responses.insert(
        "NotModified".to_owned(),
        json!({
            "description": "The version named in `If-None-Match` is still current.",
            "headers": {"ETag": {"schema": {"type": "string"}}}
        }),
    );
    for kind in problem::Kind::ALL {
        let (status, name, title) = kind.parts();
        let line = format!("`/problems/{name}`: {title}.");
        let description = match responses.get(&format!("Problem{status}")) {
            Some(earlier) => format!(
                "{} {line}",
                earlier["description"].as_str().unwrap_or_default()
            ),
            None => line,
        };
        responses.insert(
            format!("Problem{status}"),
            json!({
                "description": description,
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
            }),
        );
    }
    Value::Object(responses)
}
