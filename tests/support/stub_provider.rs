//! An HTTP server that stands in for a provider of e-mail, SMS and push, or for a receiver of webhooks, and fails on request.
//! The webhooks that lead to it are created in `webhook_fixture`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use worker::DeliveryReport;
use worker::notifications::{self, Providers};

/// The largest request body that is read, in bytes.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// The server's reaction to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts the message with a 200.
    Accepts,
    /// Drops the message and never responds.
    Hangs,
    /// Accepts the message and never responds.
    AcceptsAndHangs,
    /// Drops the message and responds with this status.
    Rejects(u16),
    /// Accepts the message and responds with this status nevertheless.
    AcceptsAndReports(u16),
    /// Drops the message and responds with a 429 whose `Retry-After` is this many seconds.
    RateLimits(u64),
    /// Accepts the message and responds with a body that is not JSON.
    AnswersNonsense,
    /// Accepts the message and closes the connection in the middle of the response.
    BreaksOffResponse,
    /// Drops the message and redirects to another path.
    Redirects,
}

/// A request, accepted or not.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl ReceivedRequest {
    /// Returns a header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The requests and the accepted messages.
#[derive(Clone, Debug, Default)]
struct Received {
    requests: Vec<ReceivedRequest>,
    accepted: Vec<(String, String)>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    received: Mutex<Received>,
}

/// The server.
pub struct StubProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StubProvider {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let mut provider = Self::unreachable(behaviour).await?;
        provider.start_listening().await?;
        Ok(provider)
    }

    /// Returns a server whose port refuses connections until it starts to listen.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn unreachable(behaviour: Behaviour) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        Ok(Self {
            address,
            shared: Arc::new(Shared {
                behaviour: Mutex::new(behaviour),
                received: Mutex::default(),
            }),
            serving: None,
        })
    }

    /// Makes an unreachable server listen on its port.
    ///
    /// # Errors
    ///
    /// When another program has taken the port.
    pub async fn start_listening(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&self.shared));
        self.serving = Some(tokio::spawn(async move {
            // An error is ignored here, because the client sees the broken connection.
            let _ = axum::serve(listener, router).await;
        }));
        Ok(())
    }

    /// Sets its reaction to further requests.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
    }

    /// Makes the due delivery attempts as one worker does, with a timeout of one second if this server hangs and one minute otherwise.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn deliver(&self, database: &str) -> Result<DeliveryReport> {
        let hangs = matches!(
            *lock(&self.shared.behaviour),
            Behaviour::Hangs | Behaviour::AcceptsAndHangs
        );
        let providers = self.providers(Duration::from_secs(if hangs { 1 } else { 60 }))?;
        notifications::run_once(database, &providers).await
    }

    /// Returns this server as the provider of all three channels, with this timeout.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub fn providers(&self, timeout: Duration) -> Result<Providers> {
        Providers::dev_outbox(self.address, timeout)
    }

    /// Returns its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts the requests.
    pub fn request_count(&self) -> usize {
        lock(&self.shared.received).requests.len()
    }

    /// Returns the requests in their order.
    pub fn received_requests(&self) -> Vec<ReceivedRequest> {
        lock(&self.shared.received).requests.clone()
    }

    /// Counts the accepted messages, duplicates included.
    pub fn accepted_count(&self) -> usize {
        lock(&self.shared.received).accepted.len()
    }

    /// Returns the accepted messages by their idempotency key, without duplicates.
    pub fn accepted_by_key(&self) -> BTreeMap<String, String> {
        lock(&self.shared.received)
            .accepted
            .iter()
            .cloned()
            .collect()
    }
}

impl Drop for StubProvider {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let key = ["idempotency-key", "webhook-id"]
        .iter()
        .find_map(|name| head.headers.get(*name)?.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = axum::body::to_bytes(body, MAX_REQUEST_BYTES)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let behaviour = *lock(&shared.behaviour);
    {
        let mut received = lock(&shared.received);
        received.requests.push(ReceivedRequest {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: text.clone(),
        });
        if !matches!(
            behaviour,
            Behaviour::Hangs
                | Behaviour::Rejects(_)
                | Behaviour::RateLimits(_)
                | Behaviour::Redirects
        ) {
            received.accepted.push((key, text));
        }
    }
    let refuse = |status| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            r#"{"name": "a_fault", "message": "not for the log"}"#,
        )
            .into_response()
    };
    match behaviour {
        // Each of the three APIs has its id under one of these names.
        Behaviour::Accepts => (StatusCode::OK, r#"{"id": "p-1", "sid": "p-1"}"#).into_response(),
        Behaviour::Hangs | Behaviour::AcceptsAndHangs => std::future::pending().await,
        Behaviour::Rejects(status) | Behaviour::AcceptsAndReports(status) => refuse(status),
        Behaviour::RateLimits(seconds) => {
            let wait = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, wait, "{}").into_response()
        }
        Behaviour::AnswersNonsense => (StatusCode::OK, "<html>Welcome</html>").into_response(),
        Behaviour::BreaksOffResponse => Body::from_stream(stream::iter([
            Ok(Bytes::from_static(b"{\"id\": ")),
            Err(std::io::Error::other("broken off")),
        ]))
        .into_response(),
        Behaviour::Redirects => {
            let place = [("location", "/elsewhere")];
            (StatusCode::TEMPORARY_REDIRECT, place).into_response()
        }
    }
}
