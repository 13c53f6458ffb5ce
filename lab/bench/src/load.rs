//! The load: a fixed number of connections, each sending its next request when it has the answer to the last.
//! What is sent belongs to `operation`; who answers, to `server`.

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

/// Longest time that one request may take; a server that hangs ends the measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection that was refused something rests.
const REST: Duration = Duration::from_millis(100);

/// Makes the requests of one connection, by their number.
pub(super) type Source = Arc<dyn Fn(usize, u64) -> Request<Full<Bytes>> + Send + Sync>;

/// What a stretch of load has shown.
pub(super) struct Outcome {
    /// How long each request took.
    pub(super) latencies: Latencies,
    /// From the first request to the last answer.
    pub(super) elapsed: Duration,
}

impl Outcome {
    /// Nothing yet.
    pub(super) fn empty() -> Result<Self> {
        Ok(Self {
            latencies: Latencies::new()?,
            elapsed: Duration::ZERO,
        })
    }

    /// Adds another stretch of the same load.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.latencies.add(&other.latencies)?;
        self.elapsed += other.elapsed;
        Ok(())
    }

    /// Answers in a second.
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
    // Connected before the clock starts: a client keeps its connections.
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        tasks.spawn(keep_busy(client, number, began + time, Arc::clone(source)));
    }
    let mut outcome = Outcome::empty()?;
    while let Some(latencies) = tasks.join_next().await {
        outcome
            .latencies
            .add(&latencies.context("a connection's task broke off")??)?;
    }
    outcome.elapsed = began.elapsed();
    Ok(outcome)
}

/// The same while others, who are not measured, keep as many connections busy with something else.
pub(super) async fn run_beside(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    source: &Source,
    others: &[Source],
) -> Result<Outcome> {
    let mut crowd = JoinSet::new();
    for (number, other) in others.iter().enumerate() {
        crowd.spawn(stay_busy(address, number, Arc::clone(other)));
    }
    let outcome = run(address, connections, time, source).await;
    // Connections that are still busy are closed.
    crowd.shutdown().await;
    outcome
}

/// Keeps a connection busy until it is told to stop. To be refused is an answer too.
async fn stay_busy(address: SocketAddr, number: usize, source: Source) {
    let mut count = 0;
    loop {
        if let Ok(mut client) = Client::connect(address).await {
            while client.send(source(number, count)).await.is_ok() {
                count += 1;
            }
        }
        count += 1;
        tokio::time::sleep(REST).await;
    }
}

async fn keep_busy(
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

/// One connection that is kept open.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Client {
    /// Opens the connection.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("{address} does not take connections"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told of the same error.
            let _ = connection.await;
        });
        Ok(Self { sender, address })
    }

    /// Sends a request, reads the whole answer and returns its body; anything but a success is an error.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        tokio::time::timeout(PATIENCE, self.exchange(request))
            .await
            .with_context(|| {
                format!(
                    "{} does not answer within {} s",
                    self.address,
                    PATIENCE.as_secs()
                )
            })?
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes> {
        let what = format!("{} {}", request.method(), request.uri());
        self.sender.ready().await?;
        let response = self
            .sender
            .send_request(request)
            .await
            .with_context(|| format!("{what} got no answer"))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .with_context(|| format!("{what} got half an answer"))?
            .to_bytes();
        if !status.is_success() {
            bail!(
                "{what} was answered {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }
}
