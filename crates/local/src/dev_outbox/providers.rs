//! The parts of the providers' APIs that the adapters use, with the same error responses.
//! Messages are stored and shown in `dev_outbox`.

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

use super::{Message, MessageStore};

/// Resend's `POST /emails`.
pub(super) async fn email(
    State(store): State<MessageStore>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_authorized(&headers, "Bearer ") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let message = Message {
        channel: "email",
        to: text(&body["to"][0]),
        subject: text(&body["subject"]),
        text: text(&body["text"]),
        ..empty_message(&headers)
    };
    if body["from"].is_null() || message.subject.is_empty() {
        return refuse(json!({"statusCode": 422, "name": "missing_required_field"}));
    }
    store_message(&store, message, "id", StatusCode::OK)
}

/// Twilio's `POST /2010-04-01/Accounts/{sid}/Messages.json`.
pub(super) async fn sms(
    State(store): State<MessageStore>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_authorized(&headers, "Basic ") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fields: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name| fields.get(name).cloned().unwrap_or_default();
    let message = Message {
        channel: "sms",
        to: field("To"),
        text: field("Body"),
        ..empty_message(&headers)
    };
    if !fields.contains_key("From") && !fields.contains_key("MessagingServiceSid") {
        return refuse(json!({"code": 21603, "status": 400}));
    }
    store_message(&store, message, "sid", StatusCode::CREATED)
}

/// OneSignal's `POST /notifications`.
pub(super) async fn push(
    State(store): State<MessageStore>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_authorized(&headers, "Key ") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let message = Message {
        key: text(&body["idempotency_key"]),
        channel: "push",
        to: text(&body["include_aliases"]["external_id"][0]),
        subject: text(&body["headings"]["en"]),
        text: text(&body["contents"]["en"]),
        ..empty_message(&headers)
    };
    if body["app_id"].is_null() {
        return refuse(json!({"errors": ["app_id not found"]}));
    }
    store_message(&store, message, "id", StatusCode::OK)
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

/// Returns a message with nothing but its key and the time.
fn empty_message(headers: &HeaderMap) -> Message {
    Message {
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
        duplicates: 0,
    }
}

fn refuse(body: Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Stores a complete message and responds with an id in the field that the provider's API uses.
fn store_message(
    store: &MessageStore,
    message: Message,
    id_field: &str,
    status: StatusCode,
) -> Response {
    if [&message.key, &message.to, &message.text]
        .iter()
        .any(|field| field.is_empty())
    {
        return refuse(json!({"name": "missing_required_field"}));
    }
    store.add(message);
    (status, Json(json!({id_field: Uuid::now_v7()}))).into_response()
}
