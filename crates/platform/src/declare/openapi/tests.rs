//! Tests of the OpenAPI document of the fixture. The product's own document is a golden file.

use std::collections::BTreeSet;

use super::*;
use crate::fixture::COMPONENT;

fn made() -> Value {
    document(&[&COMPONENT], "1.2.3")
}

#[test]
fn every_endpoint_is_described_once() {
    let document = made();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], "1.2.3");
    let mut ids = BTreeSet::new();
    for endpoint in COMPONENT.endpoints() {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][endpoint.template()][&method];
        assert_eq!(operation["operationId"], endpoint.operation_id());
        assert!(ids.insert(endpoint.operation_id()));
    }
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(described, ids.len());
}

/// Collects every `$ref` of the document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = made();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn reading_creating_and_changing_have_schemas_of_their_own() {
    let schemas = &made()["components"]["schemas"];
    let names = |schema: &str| -> BTreeSet<String> {
        schemas[schema]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert!(names("Lamp").contains("id") && names("Lamp").contains("is_on"));
    assert!(names("LampCreate").contains("kind") && !names("LampCreate").contains("is_on"));
    assert!(names("LampUpdate").contains("name") && !names("LampUpdate").contains("kind"));
    assert_eq!(schemas["LampCreate"]["required"], json!(["name"]));
    assert_eq!(schemas["LampUpdate"].get("required"), None);
    assert_eq!(schemas["LampUpdate"]["additionalProperties"], false);
    assert_eq!(
        schemas["Lamp"]["properties"]["bought_on"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(schemas["Lamp"]["properties"]["is_on"]["readOnly"], true);
    assert!(schemas["ElectricBill"].is_object());
}

#[test]
fn the_permitted_roles_are_listed() {
    let paths = &made()["paths"];
    assert_eq!(
        paths["/v1/lamps"]["get"]["x-roles"],
        json!(["guest", "keeper", "admin"])
    );
    assert_eq!(paths["/v1/lamps"]["post"]["x-roles"], json!(["admin"]));
    assert_eq!(
        paths["/v1/ask"]["post"]["x-roles"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(paths["/ping"]["get"]["security"], json!([]));
}

#[test]
fn every_form_of_an_answer_is_named() {
    let document = made();
    let content = &document["paths"]["/v1/lamps/report"]["get"]["responses"]["200"]["content"];
    let schema = &content["application/json"]["schema"];
    assert_eq!(schema["properties"]["lamps"]["type"], "integer");
    assert_eq!(content["text/plain"]["schema"], json!({"type": "string"}));
    assert_eq!(content.as_object().unwrap().len(), 2);
}

#[test]
fn an_action_names_the_problems_of_its_own() {
    let document = made();
    let responses = &document["paths"]["/v1/lamps/report"]["get"]["responses"];
    let statuses: Vec<&String> = responses.as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        ["200", "400", "401", "403", "404", "406", "421", "503"]
    );
}

#[test]
fn a_path_names_its_parameters() {
    let document = made();
    let parameters = &document["paths"]["/v1/lamps/{id}/switch"]["post"]["parameters"];
    assert_eq!(parameters[0]["name"], "id");
    assert_eq!(parameters[0]["required"], true);
    assert_eq!(parameters[1]["name"], "minutes");
    assert_eq!(parameters[1]["schema"]["maximum"], 60);
    let path = "/v1/lamps/{id}/nights/{start}/{phase}";
    let parameters = &document["paths"][path]["put"]["parameters"];
    assert_eq!(parameters[0]["schema"]["format"], "uuid");
    assert_eq!(parameters[1]["schema"]["format"], "date-time");
    assert_eq!(parameters[1]["description"], "When the night begins.");
    assert_eq!(parameters[2]["schema"]["enum"], json!(["dusk", "dawn"]));
}

#[test]
fn every_problem_is_listed_under_its_status() {
    let document = made();
    let responses = document["components"]["responses"].as_object().unwrap();
    for kind in problem::Kind::ALL {
        let (status, name, _) = kind.parts();
        let description = responses[&format!("Problem{status}")]["description"]
            .as_str()
            .unwrap();
        assert!(
            description.contains(&format!("`/problems/{name}`")),
            "{name}"
        );
    }
}
