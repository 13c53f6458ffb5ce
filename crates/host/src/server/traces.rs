//! The spans of requests, by OpenTelemetry's semantic conventions for HTTP. Exporting them is the
//! task of the program that embeds the host.
//!
//! A span has no path and no query, because they contain ids and what people typed. Spans are
//! recorded if that program has set a global propagator, which continues the traces of clients,
//! together with its tracer.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};

use super::metrics::{RequestMetrics, method_name};
use super::request_id::X_REQUEST_ID;
use super::router::Route;
use super::trace_id::TRACEPARENT;
use crate::request_trace::RequestTrace;

/// Begins the spans of requests.
#[derive(Clone)]
pub(crate) struct RequestTraces {
    /// None if no spans are recorded.
    tracer: Option<Arc<BoxedTracer>>,
}

impl RequestTraces {
    /// Finds out whether spans are recorded.
    pub(crate) fn new() -> Self {
        let are_recorded =
            global::get_text_map_propagator(|propagator| propagator.fields().next().is_some());
        Self {
            tracer: are_recorded.then(|| Arc::new(global::tracer("lms.host"))),
        }
    }

    /// Begins the span of a request. Without a route, the path belongs to no component.
    pub(crate) fn begin<B>(
        &self,
        request: &Request<B>,
        route: Option<&Route>,
        metrics: &RequestMetrics,
    ) -> Option<RequestTrace> {
        let tracer = self.tracer.as_ref()?;
        let client = global::get_text_map_propagator(|propagator| {
            propagator.extract_with_context(&Context::new(), &ClientTrace(request.headers()))
        });
        let span = SpanBuilder::from_name(name(request, route)).with_kind(SpanKind::Server);
        let trace = RequestTrace::begin(tracer, &client, span);
        if trace.is_recording() {
            let attributes = metrics.attributes(request.method(), route);
            let scheme = KeyValue::new("url.scheme", "http");
            trace
                .context()
                .span()
                .set_attributes(attributes.into_iter().chain([scheme]));
        }
        Some(trace)
    }
}

/// Ends the span of a request with the head of its response.
pub(crate) fn end<B>(trace: &RequestTrace, response: &Response<B>) {
    let span = trace.context().span();
    if !span.is_recording() {
        return;
    }
    let status = response.status();
    let code = i64::from(status.as_u16());
    span.set_attribute(KeyValue::new("http.response.status_code", code));
    if let Some(id) = response.headers().get(X_REQUEST_ID)
        && let Ok(id) = id.to_str()
    {
        let ids = Array::String(vec![StringValue::from(id.to_owned())]);
        let key = "http.response.header.x-request-id";
        span.set_attribute(KeyValue::new(key, Value::Array(ids)));
    }
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", code.to_string()));
        span.set_status(Status::error(""));
    }
    span.end();
}

/// Names a span by the method and the route.
fn name<B>(request: &Request<B>, route: Option<&Route>) -> String {
    let method = match method_name(request.method()) {
        "_OTHER" => "HTTP",
        method => method,
    };
    match route {
        Some(route) => format!("{method} {}", route.name),
        None => method.to_owned(),
    }
}

/// The trace of a client, as the header [`TRACEPARENT`] names it. `tracestate`, which may contain any
/// text, is not read.
struct ClientTrace<'a>(&'a HeaderMap);

impl Extractor for ClientTrace<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let header = (key == TRACEPARENT).then(|| self.0.get(TRACEPARENT));
        header.flatten()?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
