//! The connections of one serving thread: HTTP/1 on each of them, and graceful shutdown. Requests
//! are answered in `handler`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{Stream, StreamExt as _};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;

use super::connection_limit::ConnectionGuard;
use super::handler::RequestHandler;
use super::min_rate::MinRate;
use super::min_rate_stream::MinRateStream;
use crate::admission::in_flight::REQUEST_TIMEOUT;

/// How long a client may take to send the head of a request, which includes the time in which a
/// connection is idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);

/// A client's connection, before a serving thread has taken it over.
pub(crate) struct AcceptedConnection {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) client: SocketAddr,
    pub(crate) guards: Guards,
}

/// Counts a connection as open, for its thread and for its client address.
pub(crate) struct Guards {
    pub(crate) _of_thread: Arc<()>,
    pub(crate) _of_address: Option<ConnectionGuard>,
}

/// Serves until the stream of connections ends, and then until the requests in flight are finished.
pub(crate) async fn serve(
    handler: RequestHandler,
    connections: impl Stream<Item = AcceptedConnection>,
) -> Result<()> {
    let handler = Arc::new(handler);
    let shutdown = GracefulShutdown::new();
    let mut connections = pin!(connections);
    while let Some(connection) = connections.next().await {
        if let Err(error) = start(&handler, connection, &shutdown) {
            tracing::debug!("cannot serve a connection: {error}");
        }
    }
    tokio::time::timeout(REQUEST_TIMEOUT, shutdown.shutdown())
        .await
        .context("some requests were not finished in time and were cancelled")
}

fn start(
    handler: &Arc<RequestHandler>,
    connection: AcceptedConnection,
    shutdown: &GracefulShutdown,
) -> std::io::Result<()> {
    let AcceptedConnection {
        stream,
        client,
        guards,
    } = connection;
    let stream = TcpStream::from_std(stream)?;
    // A response is one write, which Nagle's algorithm would only delay.
    stream.set_nodelay(true)?;
    let handler = Arc::clone(handler);
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler.handle(request, client).await) }
    });
    let stream = TokioIo::new(MinRateStream::new(stream, MinRate::RESPONSE));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .serve_connection(stream, service);
    let served = shutdown.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::debug!("a connection failed: {error}");
        }
        drop(guards);
    });
    Ok(())
}
