//! A provider of e-mail, SMS and push, or a receiver of webhooks, that misbehaves as it is told, and remembers what it was given.

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

/// Most bytes of a request.
const LONGEST: usize = 1024 * 1024;

/// How a provider behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes what it is given, and says so.
    Well,
    /// It takes nothing and never answers.
    Hangs,
    /// It takes what it is given and never says so.
    TakesAndHangs,
    /// It takes nothing and answers with this status.
    Refuses(u16),
    /// It takes what it is given and answers with this status all the same.
    TakesAndRefuses(u16),
    /// It takes nothing, answers 429 and wants to be left alone for so many seconds.
    Busy(u64),
    /// It takes what it is given and answers with what nobody can read.
    Mumbles,
    /// It takes what it is given and breaks off in the middle of its answer.
    BreaksOff,
    /// It sends who asks it somewhere else.
    PointsElsewhere,
}

/// A request, whether it was taken or not.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where it went.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Post {
    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// What a provider was given.
#[derive(Clone, Debug, Default)]
struct Memory {
    posts: Vec<Post>,
    taken: Vec<(String, String)>,
}

struct Shared {
    mood: Mutex<Mood>,
    memory: Mutex<Memory>,
}

/// The provider.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// When there is no port for it.
    pub async fn start(mood: Mood) -> Result<Self> {
        let mut provider = Self::absent(mood).await?;
        provider.come_back().await?;
        Ok(provider)
    }

    /// One that can't be reached: its port refuses connections.
    ///
    /// # Errors
    ///
    /// When there is no port for it.
    pub async fn absent(mood: Mood) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        Ok(Self {
            address,
            shared: Arc::new(Shared {
                mood: Mutex::new(mood),
                memory: Mutex::default(),
            }),
            serving: None,
        })
    }

    /// Lets one that was absent be reached.
    ///
    /// # Errors
    ///
    /// When somebody else has the port.
    pub async fn come_back(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.shared));
        self.serving = Some(tokio::spawn(async move {
            // Who waits for an answer is told that it broke off.
            let _ = axum::serve(listener, router).await;
        }));
        Ok(())
    }

    /// Changes how it behaves.
    pub fn becomes(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// Delivers what is due to it, as one worker does, which waits a second for one that hangs and a minute otherwise.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn deliver(&self, database: &str) -> Result<DeliveryReport> {
        let hangs = matches!(*lock(&self.shared.mood), Mood::Hangs | Mood::TakesAndHangs);
        let providers = self.providers(Duration::from_secs(if hangs { 1 } else { 60 }))?;
        notifications::run_once(database, &providers).await
    }

    /// It, for all three ways; an answer may take as long as `longest`.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be made.
    pub fn providers(&self, longest: Duration) -> Result<Providers> {
        Providers::dev_outbox(self.address, longest)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often it was asked for something.
    pub fn requests(&self) -> usize {
        lock(&self.shared.memory).posts.len()
    }

    /// What it was asked, in order.
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.shared.memory).posts.clone()
    }

    /// How often it has taken something, doubles among it.
    pub fn taken(&self) -> usize {
        lock(&self.shared.memory).taken.len()
    }

    /// What it has taken, by the delivery key: the doubles dropped.
    pub fn kept(&self) -> BTreeMap<String, String> {
        lock(&self.shared.memory).taken.iter().cloned().collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let key = ["idempotency-key", "webhook-id"]
        .iter()
        .find_map(|name| head.headers.get(*name)?.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = axum::body::to_bytes(body, LONGEST)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let mood = *lock(&shared.mood);
    {
        let mut memory = lock(&shared.memory);
        memory.posts.push(Post {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: text.clone(),
        });
        if !matches!(
            mood,
            Mood::Hangs | Mood::Refuses(_) | Mood::Busy(_) | Mood::PointsElsewhere
        ) {
            memory.taken.push((key, text));
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
    match mood {
        // Each of the three finds the id where it looks for one.
        Mood::Well => (StatusCode::OK, r#"{"id": "p-1", "sid": "p-1"}"#).into_response(),
        Mood::Hangs | Mood::TakesAndHangs => std::future::pending().await,
        Mood::Refuses(status) | Mood::TakesAndRefuses(status) => refuse(status),
        Mood::Busy(seconds) => {
            let wait = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, wait, "{}").into_response()
        }
        Mood::Mumbles => (StatusCode::OK, "<html>Welcome</html>").into_response(),
        Mood::BreaksOff => Body::from_stream(stream::iter([
            Ok(Bytes::from_static(b"{\"id\": ")),
            Err(std::io::Error::other("broken off")),
        ]))
        .into_response(),
        Mood::PointsElsewhere => {
            let place = [("location", "/elsewhere")];
            (StatusCode::TEMPORARY_REDIRECT, place).into_response()
        }
    }
}
