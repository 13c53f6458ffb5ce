//! The dev outbox of `lms up`, which stands in for the providers of e-mail, SMS and push. It stores messages in memory, drops
//! duplicates by their idempotency key and shows the messages on a page. The adapters to real providers are in `worker`.

mod page;
mod providers;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::net::TcpListener;

use page::Page;

/// The maximum number of stored messages, beyond which the oldest are dropped.
const MAX_MESSAGES: usize = 1000;

/// A stored message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The idempotency key of the delivery.
    pub key: String,
    /// The channel: `email`, `sms` or `push`.
    pub channel: &'static str,
    /// The recipient.
    pub to: String,
    /// The subject, empty if the channel has none.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The time at which it was received.
    pub at: DateTime<Utc>,
    /// The number of repeated deliveries.
    pub duplicates: usize,
}

/// The stored messages, newest first.
#[derive(Clone, Default)]
struct MessageStore(Arc<Mutex<VecDeque<Message>>>);

impl MessageStore {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a message, or counts it as a duplicate.
    fn add(&self, message: Message) {
        let mut messages = self.lock();
        match messages.iter_mut().find(|known| known.key == message.key) {
            Some(known) => known.duplicates += 1,
            None => messages.push_front(message),
        }
        messages.truncate(MAX_MESSAGES);
    }

    fn all(&self) -> Vec<Message> {
        self.lock().iter().cloned().collect()
    }
}

/// Serves the dev outbox until the listener fails.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(listener: TcpListener) -> Result<()> {
    let router = Router::new()
        .route("/", get(show))
        .route("/messages", get(list))
        .route("/emails", post(providers::email))
        .route(
            "/2010-04-01/Accounts/{account}/Messages.json",
            post(providers::sms),
        )
        .route("/notifications", post(providers::push))
        .layer(middleware::from_fn(require_local_host))
        .with_state(MessageStore::default());
    axum::serve(listener, router)
        .await
        .context("the dev outbox has stopped")
}

async fn show(State(store): State<MessageStore>) -> Result<Html<String>, StatusCode> {
    let page = Page {
        messages: store.all(),
    };
    page.render()
        .map(Html)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn list(State(store): State<MessageStore>) -> Json<Vec<Message>> {
    Json(store.all())
}

/// Refuses requests with the host name of another site, which could read codes for signing in by DNS rebinding.
async fn require_local_host(request: Request, next: Next) -> Response {
    let is_local = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.rsplit_once(':'))
        .is_some_and(|(name, _)| ["127.0.0.1", "[::1]", "localhost"].contains(&name));
    if !is_local {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
}
