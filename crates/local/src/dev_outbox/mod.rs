//! The sink: what `lms up` has in place of providers. It speaks their interfaces, keeps what it is given in memory, drops doubles
//! by the delivery key, and shows it on a page. Nothing leaves this machine.

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

/// Most messages that are kept; the oldest go first.
const MOST: usize = 1000;

/// A message that was given to the sink.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// The delivery key.
    pub key: String,
    /// How it would have been sent: `email`, `sms` or `push`.
    pub channel: &'static str,
    /// Whom it would have reached.
    pub to: String,
    /// The subject; empty where there is none.
    pub subject: String,
    /// The text.
    pub text: String,
    /// When it came.
    pub at: DateTime<Utc>,
    /// How often it came again.
    pub doubles: usize,
}

/// What was given to the sink, newest first.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<VecDeque<Sent>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message, unless it is there already.
    fn add(&self, sent: Sent) {
        let mut kept = self.lock();
        match kept.iter_mut().find(|known| known.key == sent.key) {
            Some(known) => known.doubles += 1,
            None => kept.push_front(sent),
        }
        kept.truncate(MOST);
    }

    fn all(&self) -> Vec<Sent> {
        self.lock().iter().cloned().collect()
    }
}

/// Serves the sink for ever.
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
        .layer(middleware::from_fn(guard))
        .with_state(Kept::default());
    axum::serve(listener, router)
        .await
        .context("the sink has stopped")
}

async fn show(State(kept): State<Kept>) -> Result<Html<String>, StatusCode> {
    let page = Page {
        messages: kept.all(),
    };
    page.render()
        .map(Html)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn list(State(kept): State<Kept>) -> Json<Vec<Sent>> {
    Json(kept.all())
}

/// A page elsewhere whose name leads to this machine must not read what is here: codes that open accounts.
async fn guard(request: Request, next: Next) -> Response {
    let is_here = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.rsplit_once(':'))
        .is_some_and(|(name, _)| ["127.0.0.1", "[::1]", "localhost"].contains(&name));
    if !is_here {
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
