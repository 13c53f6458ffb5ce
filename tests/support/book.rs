//! Finance records made for a test. No test stands here.

use crate::{Application, Reply, Session, people, send};
use anyhow::{Context, Result};
use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

/// A POST with a key.
pub fn keyed(
    app: &Application,
    session: &Session,
    path: &str,
    key: &str,
    body: &Value,
) -> RequestBuilder {
    app.request(Method::POST, path)
        .bearer_auth(&session.token)
        .header("idempotency-key", key)
        .json(body)
}

/// POST with a fresh key.
pub async fn post(app: &Application, session: &Session, path: &str, body: &Value) -> Result<Reply> {
    let key = Uuid::now_v7().to_string();
    send(keyed(app, session, path, &key, body)).await
}

/// A new record.
pub async fn record(app: &Application, session: &Session, body: &Value) -> Result<Value> {
    let reply = post(app, session, "/v1/finance-records", body).await?;
    Ok(reply.expect(201).json())
}

/// Takes a record back.
pub async fn reverse(
    app: &Application,
    session: &Session,
    id: &Value,
    body: &Value,
) -> Result<Reply> {
    let id = id.as_str().context("an id")?;
    post(
        app,
        session,
        &format!("/v1/finance-records/{id}/reverse"),
        body,
    )
    .await
}

/// A payment of a student of the centre.
pub async fn payment(app: &Application, centre: Uuid, amount: &str) -> Result<Value> {
    let student = people::student_of(app, centre).await?;
    Ok(json!({
        "centre_id": centre,
        "type": "payment",
        "student_id": student,
        "amount": amount,
        "method": "card",
    }))
}

/// Account and amount of each line of a record.
pub async fn lines(
    app: &Application,
    session: &Session,
    record: &Value,
) -> Result<Vec<(String, String)>> {
    let id = record["id"].as_str().context("an id")?;
    let path = format!("/v1/finance-records/{id}/lines");
    let body = app.get(session, &path).await?.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = body["data"].as_array().context("lines")?;
    Ok(lines
        .iter()
        .map(|line| (text(&line["account"]), text(&line["amount"])))
        .collect())
}
