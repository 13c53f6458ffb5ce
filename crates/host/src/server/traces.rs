//! The spans of requests, by OpenTelemetry's semantic conventions for HTTP. Exporting them is the
//! task of the program that embeds the host.
//!
//! A span has no path and no query, because they contain ids and what people typed.

use http::{Request, Response};
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use uuid::Uuid;

use super::metrics::{RequestMetrics, method_name};
use super::request_id::X_REQUEST_ID;
use super::router::Route;
use crate::request_trace::{RequestTrace, RequestTracer};

/// Begins the span of a request. Without a route, the path belongs to no component.
pub(crate) fn begin<B>(
    tracer: &RequestTracer,
    request: &Request<B>,
    route: Option<&Route>,
    metrics: &RequestMetrics,
) -> Option<RequestTrace> {
    if !tracer.is_recording() {
        return None;
    }
    let span = SpanBuilder::from_name(name(request, route)).with_kind(SpanKind::Server);
    let trace = tracer.begin(request.headers(), span)?;
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

/// Ends the span of a request with the head of its response, and the tenant if it is known.
pub(crate) fn end<B>(trace: &RequestTrace, response: &Response<B>, tenant: Option<Uuid>) {
    let span = trace.context().span();
    if !span.is_recording() {
        return;
    }
    let status = response.status();
    let code = i64::from(status.as_u16());
    span.set_attribute(KeyValue::new("http.response.status_code", code));
    if let Some(tenant) = tenant {
        span.set_attribute(KeyValue::new("lms.tenant.id", tenant.to_string()));
    }
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
