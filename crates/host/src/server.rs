//! One thread's share of the connections: finds the component for each request, and shuts down
//! without losing a request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{Stream, StreamExt as _};
use http::{Request, Response, Uri};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};

use crate::addresses::Counted;
use crate::drain::Drain;
use crate::exchange::Exchange;
use crate::intake;
use crate::pace::Pace;
use crate::problem::{self, Kind, Problem};
use crate::response::{self, Body, Unsent};
use crate::rooms::{Need, Rooms};
use crate::router::Router;
use crate::sending::Sending;
use crate::worker::{Instances, REQUEST_TIMEOUT};
use crate::{head, headers};

/// How long a client may take for the head of a request, or stay connected without sending one.
const HEAD: Duration = Duration::from_secs(15);

const WELL_KNOWN: &str = "/.well-known/spin/";

const LEAVING: Problem = Problem::new(Kind::Unavailable)
    .detail("This host is about to stop.")
    .retry_after(1);

const BUSY_WITH_ANSWERS: Problem = Problem::new(Kind::Unavailable)
    .detail("Other large answers are being read; come again.")
    .retry_after(5);

const NO_INSTANCE: Problem = Problem::new(Kind::Unavailable)
    .detail("Too much is under way; come again.")
    .retry_after(5);

/// A client's connection as it was accepted, and what counts it as open for as long as it lives.
pub(crate) struct Connection {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) client: SocketAddr,
    pub(crate) open: Open,
}

/// Where a connection is counted.
pub(crate) struct Open {
    pub(crate) _of_thread: Arc<()>,
    pub(crate) _of_address: Option<Counted>,
}

/// Serves the components of an application.
pub(crate) struct Server {
    router: Arc<Router>,
    handlers: Vec<ProxyHandler<Instances>>,
    rooms: Rooms,
    /// Paths that say how this host is.
    health: Arc<[String]>,
    drain: Drain,
}

impl Server {
    /// A server whose requests find room in `rooms`.
    pub(crate) fn new(
        router: Arc<Router>,
        handlers: Vec<ProxyHandler<Instances>>,
        rooms: Rooms,
        drain: Drain,
    ) -> Self {
        Self {
            router,
            handlers,
            rooms,
            health: Arc::default(),
            drain,
        }
    }

    /// Keeps rooms for the paths.
    pub(crate) fn keep_rooms_for(&mut self, paths: Arc<[String]>) {
        self.health = paths;
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
            .serve_connection(TokioIo::new(Sending::new(stream, Pace::ANSWER)), service);
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
        // Only references are counted: neither the path nor the id is copied.
        let original = request.uri().clone();
        let id = request.headers().get(problem::REQUEST_ID).cloned();
        let refused = match self.try_answer(&original, request, client).await {
            Ok(response) => return response,
            Err(refused) => refused,
        };
        let id = problem::request_id(id.as_ref());
        if let Refused::Failed(method, error) = &refused {
            tracing::error!("{id} {method} {}: {}", original.path(), error.root_cause());
        }
        refused.problem().response(&id)
    }

    async fn try_answer(
        &self,
        original: &Uri,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<Body>, Refused> {
        if let Some(well_known) = original.path().strip_prefix(WELL_KNOWN) {
            return Ok(self.answer_well_known(well_known)?);
        }
        head::check(&request)?;
        let matched = self.router.find(original.path()).ok_or(NOT_FOUND)?;
        let handler = self.handlers.get(matched.route.component);
        let handler = handler.ok_or(NOT_FOUND)?;
        let uri = head::absolute(&request)?;
        let (mut head, body) = request.into_parts();
        headers::set(&mut head.headers, original, &matched, client);
        head.uri = uri;
        let method = head.method.clone();

        let taken = intake::take(body, self.rooms.taken_in()).await?;
        let watch = taken.watch();
        let need = if let Some(announced) = taken.long {
            Need::LongBody(announced)
        } else if self.health.iter().any(|path| path == original.path()) {
            Need::Health
        } else {
            Need::Work
        };
        let room = match self.rooms.take(need).await {
            Ok(room) => room,
            Err(problem) => {
                // A connection that is closed while its client sends takes the answer with it.
                tokio::spawn(intake::pour_away(taken.body));
                return Err(problem.into());
            }
        };
        let (client, exchange) = Exchange::begin(room, need.patience());
        let request = Request::from_parts(head, taken.body);
        let answered = match handler.handle(exchange, request).await {
            Ok(response) => response::from_guest(&method, response, client, self.rooms.answers())
                .await
                .map_err(|unsent| match unsent {
                    Unsent::TooMany => BUSY_WITH_ANSWERS.into(),
                    Unsent::Broken(error) => Refused::Failed(method, error.into()),
                }),
            Err(error) => Err(Refused::Failed(method, error)),
        };
        if watch.was_slow() {
            return Err(intake::too_slow().into());
        }
        answered
    }

    /// Spin itself answers some paths.
    fn answer_well_known(&self, name: &str) -> Result<Response<Body>, Problem> {
        match name {
            "health" if self.drain.has_begun() => Err(LEAVING),
            "health" => Ok(Response::new(response::whole(Bytes::from_static(b"OK")))),
            _ => Err(NOT_FOUND),
        }
    }
}

const NOT_FOUND: Problem = Problem::new(Kind::NotFound);

/// Why no component's answer is sent.
enum Refused {
    Problem(Problem),
    /// The component was asked.
    Failed(http::Method, wasmtime::Error),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Refused {
    fn problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Failed(_, error) if error.is::<ExpirationError>() => Problem::new(Kind::TimedOut),
            Self::Failed(_, error) if error.is::<InstantiationError<Arc<Exchange>>>() => {
                NO_INSTANCE
            }
            Self::Failed(..) => Problem::new(Kind::Internal),
        }
    }
}
