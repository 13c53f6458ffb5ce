//! One thread's share of the connections: finds the component for each request, and shuts down
//! without losing a request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{Stream, StreamExt as _};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::handler::{ExpirationError, ProxyHandler};

use crate::drain::Drain;
use crate::exchange::Exchange;
use crate::headers;
use crate::response::{self, Body};
use crate::router::Router;
use crate::worker::{Instances, REQUEST_TIMEOUT};

/// How long a client may take for the head of a request, or stay connected without sending one.
const HEAD: Duration = Duration::from_secs(15);

/// How long a request waits while as many as can be are already under way.
const ROOM: Duration = Duration::from_secs(5);

const WELL_KNOWN: &str = "/.well-known/spin/";

/// A client's connection as it was accepted, and what counts it as open for as long as it lives.
pub(crate) struct Connection {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) client: SocketAddr,
    pub(crate) open: Arc<()>,
}

/// Serves the components of an application.
pub(crate) struct Server {
    router: Arc<Router>,
    handlers: Vec<ProxyHandler<Instances>>,
    rooms: Arc<Semaphore>,
    drain: Drain,
}

impl Server {
    /// A server that works on so many requests at a time.
    pub(crate) fn new(
        router: Arc<Router>,
        handlers: Vec<ProxyHandler<Instances>>,
        rooms: usize,
        drain: Drain,
    ) -> Self {
        Self {
            router,
            handlers,
            rooms: Arc::new(Semaphore::new(rooms)),
            drain,
        }
    }

    /// Serves until no more connections come, and then until the requests in flight are finished.
    pub(crate) async fn serve(self, connections: impl Stream<Item = Connection>) -> Result<()> {
        let server = Arc::new(self);
        let all = GracefulShutdown::new();
        let mut connections = pin!(connections);
        while let Some(connection) = connections.next().await {
            if let Err(error) = server.start(connection, &all) {
                tracing::debug!("a connection was gone at once: {error}");
            }
        }
        tokio::time::timeout(REQUEST_TIMEOUT, all.shutdown())
            .await
            .context("some requests were not finished in time and were stopped")
    }

    fn start(
        self: &Arc<Self>,
        connection: Connection,
        all: &GracefulShutdown,
    ) -> std::io::Result<()> {
        let Connection {
            stream,
            client,
            open,
        } = connection;
        let stream = TcpStream::from_std(stream)?;
        // A response is one write: to wait for more to send would only delay it.
        stream.set_nodelay(true)?;
        let server = Arc::clone(self);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move {
                let mut response = server.answer(request, client).await;
                server.drain.send_away(&mut response);
                Ok::<_, Infallible>(response)
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let served = all.watch(served);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!("a connection ended early: {error}");
            }
            drop(open);
        });
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<Body> {
        // Only a reference is counted: the path is not copied.
        let original = request.uri().clone();
        if let Some(well_known) = original.path().strip_prefix(WELL_KNOWN) {
            return self.answer_well_known(well_known);
        }
        let Some(matched) = self.router.find(original.path()) else {
            return response::empty(StatusCode::NOT_FOUND);
        };
        let Some(handler) = self.handlers.get(matched.route.component) else {
            return response::empty(StatusCode::NOT_FOUND);
        };
        let Some(uri) = absolute(&request) else {
            return response::empty(StatusCode::BAD_REQUEST);
        };
        let (mut head, body) = request.into_parts();
        headers::set(&mut head.headers, &original, &matched, client);
        head.uri = uri;
        let method = head.method.clone();
        let request = Request::from_parts(head, body.map_err(Error::from).boxed_unsync());

        let room = tokio::time::timeout(ROOM, Arc::clone(&self.rooms).acquire_owned()).await;
        let Ok(Ok(room)) = room else {
            return response::empty(StatusCode::SERVICE_UNAVAILABLE);
        };
        let (client, exchange) = Exchange::begin(room);
        let answered = match handler.handle(exchange, request).await {
            Ok(response) => response::from_guest(&method, response, client)
                .await
                .map_err(wasmtime::Error::from),
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| {
            tracing::error!("{method} {}: {}", original.path(), error.root_cause());
            response::empty(if error.is::<ExpirationError>() {
                StatusCode::GATEWAY_TIMEOUT
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            })
        })
    }

    /// Spin itself answers some paths.
    fn answer_well_known(&self, name: &str) -> Response<Body> {
        match name {
            "health" if self.drain.has_begun() => response::empty(StatusCode::SERVICE_UNAVAILABLE),
            "health" => Response::new(Either::Left(Full::new(Bytes::from_static(b"OK")))),
            _ => response::empty(StatusCode::NOT_FOUND),
        }
    }
}

/// The request's URI with scheme and host, if its host is told, and told only once.
fn absolute<B>(request: &Request<B>) -> Option<Uri> {
    let host = request.headers().get(http::header::HOST);
    let host = host
        .map(|host| Authority::try_from(host.as_bytes()))
        .transpose()
        .ok()?;
    let mut parts = request.uri().clone().into_parts();
    parts.authority = match (host, parts.authority) {
        (Some(host), Some(authority)) if host != authority => return None,
        (host, authority) => Some(host.or(authority)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    }
    Uri::from_parts(parts).ok()
}
