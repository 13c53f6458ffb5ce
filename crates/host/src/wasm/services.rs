//! Services: components that only other components of the application can reach (Spin's service
//! chaining, with `route = { private = true }` in the manifest). Requests reach this module through
//! `outbound_http`, and `admission::fair_queue` decides on their order.
//!
//! Services run on threads of their own, a few requests at a time, so that their computations delay
//! no other requests: the operating system prefers threads that mostly wait to those that compute.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};

use super::instance::InstanceFactory;
use super::outbound_http::{ServiceClient, ServiceResponse, service_name};
use super::service_span::ServiceSpan;
use crate::admission::fair_queue::{ClientKey, FairQueue};
use crate::admission::in_flight::{InFlight, REQUEST_TIMEOUT};
use crate::admission::limits::Permit;
use crate::request_trace::RequestTracer;

/// The length up to which a service accepts a request body.
const MAX_REQUEST_BODY_BYTES: usize = 64 << 10;

/// The number of service threads: half of the cores, so that the other half is left to requests
/// that need no service.
pub(crate) fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 4))
}

/// The services of an application.
pub(crate) struct Services {
    handlers: HashMap<String, ProxyHandler<InstanceFactory>>,
    threads: ServiceThreads,
    queue: FairQueue,
    tracer: RequestTracer,
}

impl Services {
    /// Starts the threads of the services, which are given by name.
    ///
    /// # Errors
    ///
    /// The threads cannot be started.
    pub(crate) fn start(
        services: impl IntoIterator<Item = (String, InstanceFactory)>,
    ) -> Result<Self> {
        let handlers = services
            .into_iter()
            .map(|(name, instances)| (name, ProxyHandler::new(instances)));
        Ok(Self {
            handlers: handlers.collect(),
            threads: ServiceThreads::start(thread_count())?,
            queue: FairQueue::new(thread_count()),
            tracer: RequestTracer::new(),
        })
    }

    async fn send_traced(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let span = ServiceSpan::begin(&self.tracer, &request);
        let answered = self.dispatch(request).await;
        span.end(&answered);
        answered
    }

    async fn dispatch(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let service = service_name(request.uri()).and_then(|name| self.handlers.get(name));
        let handler = service.ok_or(Error::DestinationNotFound)?;
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_REQUEST_BODY_BYTES)
            .collect()
            .await
            .map_err(|_| Error::HttpRequestBodySize(None))?;
        let client = ClientKey::from_headers(&head.headers);
        let Ok(permit) = self.queue.acquire(client).await else {
            return Ok(service_unavailable());
        };
        let request = Request::from_parts(head, full_body(body.to_bytes()));
        // A JoinSet aborts its task when the sender's future is dropped.
        let mut task = JoinSet::new();
        task.spawn_on(
            handle(handler.clone(), permit.into(), request),
            &self.threads.handle,
        );
        match task.join_next().await {
            Some(Ok(response)) => response,
            _ => Err(Error::InternalError(None)),
        }
    }
}

impl ServiceClient for Services {
    /// The response is 503 if too many requests are queued.
    fn send(&self, request: Request<WasiBody>) -> ServiceResponse<'_> {
        Box::pin(self.send_traced(request))
    }
}

async fn handle(
    handler: ProxyHandler<InstanceFactory>,
    permit: Permit,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let (_client, in_flight) = InFlight::start(permit, REQUEST_TIMEOUT, None);
    let response = match handler.handle(in_flight, request).await {
        Ok(response) => response,
        Err(error) if is_overload(&error) => return Ok(service_unavailable()),
        Err(error) => {
            tracing::error!("a service failed: {}", error.root_cause());
            return Err(Error::InternalError(None));
        }
    };
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(
        head,
        full_body(body.collect().await?.to_bytes()),
    ))
}

/// Returns whether there was no instance, or no response in time.
fn is_overload(error: &wasmtime::Error) -> bool {
    error.is::<InstantiationError<Arc<InFlight>>>() || error.is::<ExpirationError>()
}

fn service_unavailable() -> Response<WasiBody> {
    let mut response = Response::new(full_body(Bytes::new()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

fn full_body(bytes: Bytes) -> WasiBody {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// The runtime on which services run. Dropping it does not wait for its threads, because it is also
/// dropped in asynchronous code, where blocking is not allowed.
struct ServiceThreads {
    handle: Handle,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

impl ServiceThreads {
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

impl Drop for ServiceThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_to_an_unknown_service_fails() -> Result<()> {
        let request = Request::get("http://nobody.spin.internal/").body(full_body(Bytes::new()))?;
        let response = Services::start([])?.dispatch(request).await;
        assert!(matches!(response, Err(Error::DestinationNotFound)));
        Ok(())
    }
}
