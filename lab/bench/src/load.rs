//! Generates load on a fixed number of connections, each of which sends a request when it has the response to the last.
//! The requests are built in `operation`, the services started in `server`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::latencies::Latencies;

/// The timeout of a request, after which the measurement fails.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause after a connection of the background load fails.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Builds a request from the number of its connection and its own number.
pub(super) type Source = Arc<dyn Fn(usize, u64) -> Request<Full<Bytes>> + Send + Sync>;

/// The result of a period of load.
pub(super) struct Outcome {
    /// The latency of each request.
    pub(super) latencies: Latencies,
    /// The time from the first request to the last response.
    pub(super) elapsed: Duration,
}

impl Outcome {
    /// Returns a result without requests.
    pub(super) fn empty() -> Result<Self> {
        Ok(Self {
            latencies: Latencies::new()?,
            elapsed: Duration::ZERO,
        })
    }

    /// Adds another period of the same load.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.latencies.add(&other.latencies)?;
        self.elapsed += other.elapsed;
        Ok(())
    }

    /// Returns the responses per second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// Keeps `connections` connections busy for `time`.
pub(super) async fn run(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    source: &Source,
) -> Result<Outcome> {
    // The connections are opened before the clock starts, because real clients reuse theirs.
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        tasks.spawn(send_until(client, number, began + time, Arc::clone(source)));
    }
    let mut outcome = Outcome::empty()?;
    while let Some(latencies) = tasks.join_next().await {
        outcome
            .latencies
            .add(&latencies.context("the task of a connection failed")??)?;
    }
    outcome.elapsed = began.elapsed();
    Ok(outcome)
}

/// Does the same while a background load that is not measured keeps other connections busy.
pub(super) async fn run_with_background_load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    source: &Source,
    background: &[Source],
) -> Result<Outcome> {
    let mut tasks = JoinSet::new();
    for (number, other) in background.iter().enumerate() {
        tasks.spawn(send_until_aborted(address, number, Arc::clone(other)));
    }
    let outcome = run(address, connections, time, source).await;
    // Connections that are still busy are closed.
    tasks.shutdown().await;
    outcome
}

/// Keeps a connection busy until its task is aborted. An error response does not end it.
async fn send_until_aborted(address: SocketAddr, number: usize, source: Source) {
    let mut count = 0;
    loop {
        if let Ok(mut client) = Client::connect(address).await {
            while client.send(source(number, count)).await.is_ok() {
                count += 1;
            }
        }
        count += 1;
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

async fn send_until(
    mut client: Client,
    number: usize,
    end: Instant,
    source: Source,
) -> Result<Latencies> {
    let mut latencies = Latencies::new()?;
    let mut count = 0;
    while Instant::now() < end {
        let request = source(number, count);
        let began = Instant::now();
        client.send(request).await?;
        latencies.record(began.elapsed());
        count += 1;
    }
    Ok(latencies)
}

/// A connection that stays open.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Client {
    /// Opens the connection.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("{address} does not accept connections"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A request that waits for its response gets the same error.
            let _ = connection.await;
        });
        Ok(Self { sender, address })
    }

    /// Sends a request, reads the whole response and returns its body. Every status other than a success is an error.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(request))
            .await
            .with_context(|| {
                format!(
                    "{} does not respond within {} s",
                    self.address,
                    REQUEST_TIMEOUT.as_secs()
                )
            })?
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        let target = format!("{} {}", request.method(), request.uri());
        self.sender.ready().await?;
        let response = self
            .sender
            .send_request(request)
            .await
            .with_context(|| format!("{target} got no response"))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .with_context(|| format!("{target} got an incomplete response"))?
            .to_bytes();
        if !status.is_success() {
            bail!(
                "{target} got status {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }
}
