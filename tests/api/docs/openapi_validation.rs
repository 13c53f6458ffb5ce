//! Tests that the served OpenAPI document passes an independent validator.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::run;
use tokio::process::Command;

/// Makes a document invalid.
type Fault = fn(&mut Value);

/// Validates a document and returns the validator's output.
async fn run_validator(document: &str) -> Result<Output> {
    let validator = tests::root().join("target/python/bin/openapi-spec-validator");
    ensure!(
        validator.exists(),
        "the OpenAPI validator is not installed: run scripts/test-tools.sh"
    );
    let file = tempfile::Builder::new().suffix(".json").tempfile()?;
    std::fs::write(file.path(), document)?;
    Command::new(validator)
        .args(["--schema", "3.1", "--validation-errors", "all"])
        .arg(file.path())
        .output()
        .await
        .context("the validator does not start")
}

fn validator_output(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn the_served_document_is_valid_openapi() {
    run(async |app| {
        let served = app
            .call(None, Method::GET, "/v1/openapi.json", None)
            .await?
            .expect(200);
        let judgement = run_validator(&served.text).await?;
        ensure!(
            judgement.status.success(),
            "{}",
            validator_output(&judgement)
        );
        Ok(())
    });
}

#[tokio::test]
async fn the_validator_reports_errors_in_an_invalid_document() -> Result<()> {
    let document: Value = serde_json::from_str(include_str!("../../../openapi/openapi.json"))?;
    let faults: [(&str, Fault); 4] = [
        ("a version is missing", |document| {
            document["info"]["version"].take();
        }),
        ("a status is not a number", |document| {
            document["paths"]["/v1/centres"]["get"]["responses"]["fine"] =
                json!({"description": "no status"});
        }),
        ("a type does not exist", |document| {
            document["components"]["schemas"]["Broken"] = json!({"type": "text"});
        }),
        ("a parameter of the path is not declared", |document| {
            document["paths"]["/v1/centres/{nobody}"] =
                json!({"get": {"responses": {"200": {"description": "there"}}}});
        }),
    ];
    for (fault, damage) in faults {
        let mut broken = document.clone();
        damage(&mut broken);
        let judgement = run_validator(&broken.to_string()).await?;
        ensure!(
            !judgement.status.success(),
            "{fault}: {}",
            validator_output(&judgement)
        );
    }
    Ok(())
}
