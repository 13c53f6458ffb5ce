//! Creates finance records and reads their journal entries.
//! Tests that insert finance records into the database directly use `queries`.

use crate::{Application, Reply, Session, fixtures, send};
use anyhow::{Context, Result};
use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

/// Builds a POST request with an idempotency key.
pub fn request_with_key(
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

/// Sends a POST request with an idempotency key of its own.
pub async fn post_with_new_key(
    app: &Application,
    session: &Session,
    path: &str,
    body: &Value,
) -> Result<Reply> {
    let key = Uuid::now_v7().to_string();
    send(request_with_key(app, session, path, &key, body)).await
}

/// Creates a finance record.
pub async fn create(app: &Application, session: &Session, body: &Value) -> Result<Value> {
    let reply = post_with_new_key(app, session, "/v1/finance-records", body).await?;
    Ok(reply.expect(201).json())
}

/// Reverses a finance record.
pub async fn reverse(
    app: &Application,
    session: &Session,
    id: &Value,
    body: &Value,
) -> Result<Reply> {
    let id = id.as_str().context("the finance record has no id")?;
    post_with_new_key(
        app,
        session,
        &format!("/v1/finance-records/{id}/reverse"),
        body,
    )
    .await
}

/// Returns the body of a payment by a student of the centre.
pub async fn payment_body(app: &Application, centre: Uuid, amount: &str) -> Result<Value> {
    let student = fixtures::any_student_of(app, centre).await?;
    Ok(json!({
        "centre_id": centre,
        "type": "payment",
        "student_id": student,
        "amount": amount,
        "method": "card",
    }))
}

/// Returns the account and the amount of each journal entry of a finance record.
pub async fn journal_entries(
    app: &Application,
    session: &Session,
    record: &Value,
) -> Result<Vec<(String, String)>> {
    let id = record["id"]
        .as_str()
        .context("the finance record has no id")?;
    let path = format!("/v1/finance-records/{id}/journal-entries");
    let body = app.get(session, &path).await?.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = body["data"]
        .as_array()
        .context("the response has no data")?;
    Ok(entries
        .iter()
        .map(|entry| (text(&entry["account"]), text(&entry["amount"])))
        .collect())
}
