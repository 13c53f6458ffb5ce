//! Validates every response that a test receives against the OpenAPI document: its status, its media type and its body.
//! The tests themselves assert the meaning of a response.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use boon::{Compiler, SchemaIndex, Schemas};
use http::{HeaderMap, Method};
use local::openapi::COMPONENTS;
use platform::declare::openapi;
use serde_json::Value;
use url::Url;

/// The base URI of references in schemas.
const DOCUMENT: &str = "urn:lms";

/// The origins of the applications of this release, since an earlier release has another document.
static ORIGINS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::new);

/// Sets whether responses from this base URL are validated from now on. The same URL may have served another release before.
pub(crate) fn set_checked(base_url: &str, is_this_release: bool) {
    let mut origins = ORIGINS.lock().unwrap_or_else(PoisonError::into_inner);
    if is_this_release {
        origins.insert(base_url.to_owned());
    } else {
        origins.remove(base_url);
    }
}

/// Validates a response.
///
/// # Panics
///
/// When the document doesn't describe it. A panic also fails tests that expect an error.
pub(crate) fn check(method: &Method, url: &Url, status: u16, headers: &HeaderMap, body: &[u8]) {
    let origin = url.origin().ascii_serialization();
    let is_checked = ORIGINS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&origin);
    if !is_checked {
        return;
    }
    let media = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    if let Err(fault) = CONTRACT.check(method, url.path(), status, media, body) {
        panic!(
            "not in the OpenAPI document: {method} {} answered {status}, {fault}",
            url.path()
        );
    }
}

/// The document with the compiled schemas of its JSON responses, by JSON pointer.
struct Contract {
    document: Value,
    schemas: Schemas,
    indexes: BTreeMap<String, SchemaIndex>,
}

impl Contract {
    fn new() -> Contract {
        let document = openapi::document(&COMPONENTS, env!("CARGO_PKG_VERSION"));
        let mut compiler = Compiler::new();
        compiler
            .add_resource(DOCUMENT, document.clone())
            .expect("the document can be read");
        let mut contract = Contract {
            document,
            schemas: Schemas::new(),
            indexes: BTreeMap::new(),
        };
        for pointer in contract.json_schemas() {
            let index = compiler
                .compile(&format!("{DOCUMENT}#{pointer}"), &mut contract.schemas)
                .expect("each schema is valid");
            contract.indexes.insert(pointer, index);
        }
        contract
    }

    /// Returns the JSON pointers of the schemas of all JSON responses.
    fn json_schemas(&self) -> BTreeSet<String> {
        let mut pointers = BTreeSet::new();
        for (template, path) in self.document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in path.as_object().into_iter().flatten() {
                for status in operation["responses"].as_object().into_iter().flatten() {
                    let pointer = format!(
                        "/paths/{}/{method}/responses/{}",
                        escaped(template),
                        status.0
                    );
                    let response = self.resolved(pointer);
                    let content = self.document.pointer(&format!("{response}/content"));
                    for (media, _) in content.and_then(Value::as_object).into_iter().flatten() {
                        if media.ends_with("json") {
                            pointers.insert(schema_of(&response, media));
                        }
                    }
                }
            }
        }
        pointers
    }

    fn check(
        &self,
        method: &Method,
        path: &str,
        status: u16,
        media: Option<&str>,
        body: &[u8],
    ) -> Result<(), String> {
        // The document describes HEAD by GET.
        let documented = match *method {
            Method::HEAD => "get".to_owned(),
            _ => method.as_str().to_ascii_lowercase(),
        };
        let Some(template) = self.template(path) else {
            return Ok(());
        };
        let operation = format!("/paths/{}/{documented}", escaped(template));
        // The document lists neither preflight requests nor methods that the path doesn't support.
        if self.document.pointer(&operation).is_none() {
            return Ok(());
        }
        let response = self.resolved(format!("{operation}/responses/{status}"));
        let Some(described) = self.document.pointer(&response) else {
            return Err("a status that the operation doesn't list".to_owned());
        };
        let Some(content) = described.get("content") else {
            return match body {
                [] => Ok(()),
                _ => Err("a body where none is described".to_owned()),
            };
        };
        let media = media.ok_or("no media type")?;
        if content.get(media).is_none() {
            return Err(format!("{media}, which isn't described"));
        }
        if *method == Method::HEAD || !media.ends_with("json") {
            return Ok(());
        }
        let body: Value =
            serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
        let index = self
            .indexes
            .get(&schema_of(&response, media))
            .ok_or("without a schema")?;
        self.schemas
            .validate(&body, *index)
            .map_err(|fault| fault.to_string())
    }

    /// Returns the most specific path template that matches.
    fn template(&self, path: &str) -> Option<&str> {
        let segments: Vec<&str> = path.split('/').collect();
        self.document["paths"]
            .as_object()?
            .keys()
            .filter(|template| {
                let parts: Vec<&str> = template.split('/').collect();
                parts.len() == segments.len()
                    && parts
                        .iter()
                        .zip(&segments)
                        .all(|(part, segment)| part.starts_with('{') || part == segment)
            })
            .min_by_key(|template| template.matches('{').count())
            .map(String::as_str)
    }

    /// Follows a `$ref` at the pointer.
    fn resolved(&self, pointer: String) -> String {
        self.document
            .pointer(&pointer)
            .and_then(|value| value["$ref"].as_str())
            .map(|reference| reference.trim_start_matches('#').to_owned())
            .unwrap_or(pointer)
    }
}

/// Returns the JSON pointer of the schema of a response's body.
fn schema_of(response: &str, media: &str) -> String {
    format!("{response}/content/{}/schema", escaped(media))
}

/// Escapes a segment of a JSON pointer (RFC 6901).
fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(
        method: Method,
        path: &str,
        status: u16,
        media: &str,
        body: &Value,
    ) -> Result<(), String> {
        let media = (!media.is_empty()).then_some(media);
        let body = body.to_string().into_bytes();
        CONTRACT.check(&method, path, status, media, &body)
    }

    #[test]
    fn a_response_that_the_document_does_not_describe_is_an_error() {
        const CENTRES: &str = "/v1/centres";
        const JSON: &str = "application/json";
        let list = json!({"data": [], "next_cursor": null});
        assert_eq!(checked(Method::GET, CENTRES, 200, JSON, &list), Ok(()));
        let problem = json!({"type": "/problems/not-found", "title": "Gone", "status": 404, "request_id": "r"});
        let path = "/v1/centres/0190a5c8-0000-7000-8000-000000000000";
        let media = "application/problem+json";
        assert_eq!(checked(Method::GET, path, 404, media, &problem), Ok(()));
        for (status, media, body) in [
            (418, JSON, list.clone()),
            (200, "text/html", list.clone()),
            (200, "", list),
            (200, JSON, json!({"data": []})),
            (200, JSON, json!({"data": [{"id": 7}], "next_cursor": null})),
            (
                200,
                JSON,
                json!({"data": [], "next_cursor": null, "surplus": 1}),
            ),
            (
                200,
                JSON,
                json!({"data": [{"id": "0190a5c8-0000-7000-8000-000000000000", "surplus": 1}], "next_cursor": null}),
            ),
        ] {
            let fault = checked(Method::GET, CENTRES, status, media, &body);
            assert!(fault.is_err(), "{status} {media} {body}");
        }
    }

    #[test]
    fn a_literal_template_takes_precedence_over_one_with_a_parameter() {
        assert_eq!(
            CONTRACT.template("/v1/gamification/leaderboard"),
            Some("/v1/gamification/leaderboard")
        );
        assert_eq!(CONTRACT.template("/v1/users/7"), Some("/v1/users/{id}"));
        assert_eq!(CONTRACT.template("/v2/users"), None);
    }
}
