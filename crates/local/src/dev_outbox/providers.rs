//! The interfaces of the providers, as far as the adapters use them. What a provider would refuse is refused here.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{Kept, Sent};

/// Resend's `POST /emails`.
pub(super) async fn email(
    State(kept): State<Kept>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_authorized(&headers, "Bearer ") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let sent = Sent {
        channel: "email",
        to: text(&body["to"][0]),
        subject: text(&body["subject"]),
        text: text(&body["text"]),
        ..blank(&headers)
    };
    if body["from"].is_null() || sent.subject.is_empty() {
        return refuse(json!({"statusCode": 422, "name": "missing_required_field"}));
    }
    keep(&kept, sent, "id", StatusCode::OK)
}

/// Twilio's `POST /2010-04-01/Accounts/{sid}/Messages.json`.
pub(super) async fn sms(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_authorized(&headers, "Basic ") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fields: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name| fields.get(name).cloned().unwrap_or_default();
    let sent = Sent {
        channel: "sms",
        to: field("To"),
        text: field("Body"),
        ..blank(&headers)
    };
    if !fields.contains_key("From") && !fields.contains_key("MessagingServiceSid") {
        return refuse(json!({"code": 21603, "status": 400}));
    }
    keep(&kept, sent, "sid", StatusCode::CREATED)
}

/// OneSignal's `POST /notifications`.
pub(super) async fn push(
    State(kept): State<Kept>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_authorized(&headers, "Key ") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let sent = Sent {
        key: text(&body["idempotency_key"]),
        channel: "push",
        to: text(&body["include_aliases"]["external_id"][0]),
        subject: text(&body["headings"]["en"]),
        text: text(&body["contents"]["en"]),
        ..blank(&headers)
    };
    if body["app_id"].is_null() {
        return refuse(json!({"errors": ["app_id not found"]}));
    }
    keep(&kept, sent, "id", StatusCode::OK)
}

fn is_authorized(headers: &HeaderMap, scheme: &str) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.len() > scheme.len() && value.starts_with(scheme))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A message of which only the key and the time are known.
fn blank(headers: &HeaderMap) -> Sent {
    Sent {
        key: headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        channel: "",
        to: String::new(),
        subject: String::new(),
        text: String::new(),
        at: Utc::now(),
        doubles: 0,
    }
}

fn refuse(body: Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Keeps what is complete, and answers with an id, which is named as the provider names it.
fn keep(kept: &Kept, sent: Sent, name: &str, status: StatusCode) -> Response {
    if [&sent.key, &sent.to, &sent.text]
        .iter()
        .any(|part| part.is_empty())
    {
        return refuse(json!({"name": "missing_required_field"}));
    }
    kept.add(sent);
    (status, Json(json!({name: Uuid::now_v7()}))).into_response()
}
