//! Services: components that no client reaches, only other components of the application (Spin's service chaining, with
//! `route = { private = true }` in the manifest).
//!
//! They run on threads of their own, few at a time, so that what they compute holds up no request of others: the
//! operating system lets a thread that mostly waits go before one that computes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::exchange::Exchange;
use crate::rooms::Room;
use crate::turns::{Asker, Turns};
use crate::worker::{Instances, REQUEST_TIMEOUT};

/// The domain behind the name of a service in the URL by which it is asked, as in Spin.
const DOMAIN: &str = ".spin.internal";

/// Most bytes of a question.
const LONGEST_QUESTION: usize = 64 << 10;

/// Half of the machine, so that the other half is left to those who do not ask.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 4))
}

/// The services of an application.
pub(crate) struct Services {
    handlers: HashMap<String, ProxyHandler<Instances>>,
    threads: Threads,
    turns: Turns,
}

impl Services {
    /// Starts the threads of these services, by their names.
    ///
    /// # Errors
    ///
    /// No threads can be started.
    pub(crate) fn start(services: impl IntoIterator<Item = (String, Instances)>) -> Result<Self> {
        let handlers = services
            .into_iter()
            .map(|(name, instances)| (name, ProxyHandler::new(instances)));
        Ok(Self {
            handlers: handlers.collect(),
            threads: Threads::start(threads())?,
            turns: Turns::new(threads()),
        })
    }

    /// Returns the answer of the service that the request's URL names. It is 503 when too many wait.
    pub(crate) async fn ask(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        let service = name(request.uri()).and_then(|name| self.handlers.get(name));
        let handler = service.ok_or(Error::DestinationNotFound)?;
        let (head, body) = request.into_parts();
        let question = Limited::new(body, LONGEST_QUESTION)
            .collect()
            .await
            .map_err(|_| Error::HttpRequestBodySize(None))?;
        let Ok(turn) = self.turns.take(Asker::of(&head.headers)).await else {
            return Ok(busy());
        };
        let request = Request::from_parts(head, body_of(question.to_bytes()));
        // A set ends its task when whoever asked is gone.
        let mut task = JoinSet::new();
        task.spawn_on(
            answer(handler.clone(), turn.into(), request),
            &self.threads.handle,
        );
        match task.join_next().await {
            Some(Ok(answered)) => answered,
            _ => Err(Error::InternalError(None)),
        }
    }
}

/// The name of the service that the URL leads to, if it leads to one.
pub(crate) fn name(uri: &Uri) -> Option<&str> {
    uri.host()?.strip_suffix(DOMAIN)
}

async fn answer(
    handler: ProxyHandler<Instances>,
    room: Room,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let (_client, exchange) = Exchange::begin(room, REQUEST_TIMEOUT);
    let response = match handler.handle(exchange, request).await {
        Ok(response) => response,
        Err(error) if is_for_lack_of_room(&error) => return Ok(busy()),
        Err(error) => {
            tracing::error!("a service gave no answer: {}", error.root_cause());
            return Err(Error::InternalError(None));
        }
    };
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(
        head,
        body_of(body.collect().await?.to_bytes()),
    ))
}

/// Returns whether there was no instance, or none in time.
fn is_for_lack_of_room(error: &wasmtime::Error) -> bool {
    error.is::<InstantiationError<Arc<Exchange>>>() || error.is::<ExpirationError>()
}

fn busy() -> Response<WasiBody> {
    let mut response = Response::new(body_of(Bytes::new()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn body_of(bytes: Bytes) -> WasiBody {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// Threads that end without being waited for, because they are also left from asynchronous code.
struct Threads {
    handle: Handle,
    /// Taken when they end.
    runtime: Option<Runtime>,
}

impl Threads {
    fn start(count: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("service")
            .enable_all()
            .build()
            .context("cannot start the threads of services")?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_its_host() {
        for (uri, expected) in [
            ("http://passwords.spin.internal/hash", Some("passwords")),
            ("http://passwords.spin.internal:80/", Some("passwords")),
            ("http://passwords.spin.internal.example/", None),
            ("http://example/passwords.spin.internal", None),
            ("/hash", None),
        ] {
            assert_eq!(name(&Uri::from_static(uri)), expected, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_gives_no_answer() -> Result<()> {
        let request = Request::get("http://nobody.spin.internal/").body(body_of(Bytes::new()))?;
        let answered = Services::start([])?.ask(request).await;
        assert!(matches!(answered, Err(Error::DestinationNotFound)));
        Ok(())
    }
}
