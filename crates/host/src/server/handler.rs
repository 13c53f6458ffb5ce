//! The path of a request: validation, routing, the body, admission, the component, the response.
//! Each step lives in a module of its own, and connections in `connection`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response, Uri};
use hyper::body::{Bytes, Incoming};
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};

use super::drain::Drain;
use super::metrics::{Failure, RequestMetrics, method_name};
use super::min_rate::MinRate;
use super::problem::{Kind, Problem};
use super::request_body::{self, BodyKind};
use super::request_log::LoggedRequest;
use super::response_body::{self, Body, ResponseError};
use super::router::{Match, Router};
use super::{request_head, request_id, request_log, spin_headers, tenant, traces};
use crate::admission::in_flight::{InFlight, REQUEST_TIMEOUT};
use crate::admission::limits::{Limits, Rejection, RequestClass};
use crate::request_trace::{RequestTrace, RequestTracer, TRACEPARENT};
use crate::wasm::InstanceFactory;

/// The paths that Spin reserves for the host.
const WELL_KNOWN: &str = "/.well-known/spin/";

const NOT_FOUND: Problem = Problem::new(Kind::NotFound);

const SHUTTING_DOWN: Problem = Problem::new(Kind::Unavailable)
    .detail("This host is shutting down.")
    .retry_after(1);

const TOO_MANY_REQUESTS: Problem = Problem::new(Kind::Unavailable)
    .detail("Too many requests are in progress. Try again later.")
    .retry_after(5);

const TOO_MANY_STREAMED_REQUESTS: Problem = Problem::new(Kind::Unavailable)
    .detail("Too many large request bodies are being processed. Try again later.")
    .retry_after(30)
    .close_connection();

const TOO_MANY_STREAMED_RESPONSES: Problem = Problem::new(Kind::Unavailable)
    .detail("Too many large responses are being sent. Try again later.")
    .retry_after(5);

/// Answers the requests of one serving thread.
pub(crate) struct RequestHandler {
    router: Arc<Router>,
    /// The handlers of the components, by the router's index.
    components: Vec<ProxyHandler<InstanceFactory>>,
    limits: Limits,
    health_check_paths: Arc<[String]>,
    drain: Drain,
    metrics: RequestMetrics,
    tracer: RequestTracer,
}

impl RequestHandler {
    pub(crate) fn new(
        router: Arc<Router>,
        components: Vec<ProxyHandler<InstanceFactory>>,
        limits: Limits,
        drain: Drain,
        metrics: RequestMetrics,
        tracer: RequestTracer,
    ) -> Self {
        Self {
            router,
            components,
            limits,
            health_check_paths: Arc::default(),
            drain,
            metrics,
            tracer,
        }
    }

    /// Sets the paths whose requests are health checks.
    pub(crate) fn set_health_check_paths(&mut self, paths: Arc<[String]>) {
        self.health_check_paths = paths;
    }

    /// Answers a request, with an error response if need be.
    pub(crate) async fn handle(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<Body> {
        let received_at = Instant::now();
        // Cloning copies neither the path nor the id: both are reference-counted.
        let original = request.uri().clone();
        let method = request.method().clone();
        let given_id = request.headers().get(request_id::X_REQUEST_ID).cloned();
        let traceparent = request.headers().get(TRACEPARENT).cloned();
        let matched = self.router.find(original.path());
        let route = matched.as_ref().map(|matched| matched.route);
        let trace = traces::begin(&self.tracer, &request, route, &self.metrics);
        let logged = LoggedRequest {
            method: method_name(&method),
            route,
            component: route.and_then(|route| self.metrics.component_id(route).map(|id| &**id)),
            trace: trace.as_ref(),
            traceparent: traceparent.as_ref(),
        };
        let handled = self
            .try_handle(&original, matched, request, client, trace.as_ref())
            .await;
        let mut response = match handled {
            Ok(response) => response,
            Err(error) => {
                let request_id = request_id::from_client(given_id.as_ref());
                if let HandlerError::Component(error) = &error {
                    logged.failed(&request_id, error.root_cause());
                    self.metrics.record_failure(route, failure(error));
                }
                error.into_problem().into_response(&request_id)
            }
        };
        let tenant = tenant::take(response.headers_mut());
        let duration = received_at.elapsed();
        self.metrics.record(&method, route, &response, duration);
        logged.answered(&response, tenant, duration);
        if let Some(trace) = &trace {
            traces::end(trace, &response, tenant);
        }
        self.drain.close_connection_after(&mut response);
        response
    }

    async fn try_handle(
        &self,
        original: &Uri,
        matched: Option<Match<'_>>,
        request: Request<Incoming>,
        client: SocketAddr,
        trace: Option<&RequestTrace>,
    ) -> Result<Response<Body>, HandlerError> {
        if let Some(name) = original.path().strip_prefix(WELL_KNOWN) {
            return Ok(self.handle_well_known(name)?);
        }
        request_head::validate(&request)?;
        let matched = matched.ok_or(NOT_FOUND)?;
        let component = self.components.get(matched.route.component);
        let component = component.ok_or(NOT_FOUND)?;
        let uri = request_head::absolute_uri(&request)?;
        let (mut head, body) = request.into_parts();
        spin_headers::set(&mut head.headers, original, &matched, client);
        if let Some(trace) = trace {
            trace.name_in(&mut head.headers);
        }
        let is_recording = trace.is_some_and(RequestTrace::is_recording);
        tenant::ask(&mut head.headers, is_recording || request_log::has_access());
        head.uri = uri;
        let method = head.method.clone();

        let received = request_body::receive(body, self.limits.request_buffer_bytes()).await?;
        let body_timed_out = received.timeout_flag();
        let class = self.classify(original, received.kind);
        let permit = match self.limits.acquire(class).await {
            Ok(permit) => permit,
            Err(rejection) => {
                // If the host closed the connection while the client sends, the client would lose
                // the response.
                tokio::spawn(request_body::discard(received.body));
                return Err(rejection.into());
            }
        };
        let (client, in_flight) = InFlight::start(permit, timeout(class), trace);
        let request = Request::from_parts(head, received.body);
        let budget = self.limits.response_buffer_bytes();
        let response = match component.handle(in_flight, request).await {
            Ok(response) => response_body::from_guest(&method, response, client, budget)
                .await
                .map_err(|error| match error {
                    ResponseError::TooManyStreamedBodies => TOO_MANY_STREAMED_RESPONSES.into(),
                    ResponseError::Guest(error) => HandlerError::Component(error.into()),
                }),
            Err(error) => Err(HandlerError::Component(error)),
        };
        if body_timed_out.is_set() {
            return Err(request_body::request_timeout().into());
        }
        response
    }

    fn classify(&self, uri: &Uri, body: BodyKind) -> RequestClass {
        match body {
            BodyKind::Streamed { content_length } => RequestClass::StreamedBody { content_length },
            BodyKind::Buffered
                if self
                    .health_check_paths
                    .iter()
                    .any(|path| path == uri.path()) =>
            {
                RequestClass::HealthCheck
            }
            BodyKind::Buffered => RequestClass::Standard,
        }
    }

    /// Answers the paths that Spin itself answers.
    fn handle_well_known(&self, name: &str) -> Result<Response<Body>, Problem> {
        match name {
            "health" if self.drain.has_started() => Err(SHUTTING_DOWN),
            "health" => {
                let body = Bytes::from_static(b"OK");
                Ok(Response::new(response_body::buffered(body)))
            }
            _ => Err(NOT_FOUND),
        }
    }
}

/// How long a guest may take. The time in which it reads a streamed body comes on top.
fn timeout(class: RequestClass) -> Duration {
    match class {
        RequestClass::StreamedBody { .. } => REQUEST_TIMEOUT + MinRate::STREAMED_BODY.max_timeout,
        RequestClass::Standard | RequestClass::HealthCheck => REQUEST_TIMEOUT,
    }
}

/// Returns the reason why a component did not answer.
fn failure(error: &wasmtime::Error) -> Failure {
    if error.is::<ExpirationError>() {
        Failure::Timeout
    } else if error.is::<InstantiationError<Arc<InFlight>>>() {
        Failure::NoInstance
    } else {
        Failure::Trap
    }
}

/// The reason why the client does not get a component's response.
enum HandlerError {
    Problem(Problem),
    /// The component got the request and failed, or there was no instance of it.
    Component(wasmtime::Error),
}

impl From<Problem> for HandlerError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Rejection> for HandlerError {
    fn from(rejection: Rejection) -> Self {
        Self::Problem(match rejection {
            Rejection::TooManyRequests => TOO_MANY_REQUESTS,
            Rejection::TooManyStreamedBodies => TOO_MANY_STREAMED_REQUESTS,
        })
    }
}

impl HandlerError {
    fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Component(error) => match failure(&error) {
                Failure::Timeout => Problem::new(Kind::GatewayTimeout),
                Failure::NoInstance => TOO_MANY_REQUESTS,
                Failure::Trap => Problem::new(Kind::InternalError),
            },
        }
    }
}
