//! The spans of requests to services, by OpenTelemetry's semantic conventions for HTTP clients. The
//! requests themselves are sent in `services`.
//!
//! A span has no path, because the host does not know which parts of it are ids.

use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _};

use super::outbound_http::service_name;
use crate::request_trace::{RequestTrace, RequestTracer, TRACEPARENT};

/// The span of a request to a service, if the request of the client is recorded. It ends with this
/// value.
pub(crate) struct ServiceSpan(Option<RequestTrace>);

impl ServiceSpan {
    /// Begins the span below that of the client's request, which the component names in its own
    /// request as it was named to it.
    pub(crate) fn begin<B>(tracer: &RequestTracer, request: &Request<B>) -> Self {
        if !tracer.is_recording() || !request.headers().contains_key(TRACEPARENT) {
            return Self(None);
        }
        let method = request.method().as_str();
        let service = service_name(request.uri()).unwrap_or_default();
        let address = request.uri().host().unwrap_or_default();
        let span = SpanBuilder::from_name(format!("{method} {service}"))
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("http.request.method", method.to_owned()),
                KeyValue::new("server.address", address.to_owned()),
                KeyValue::new("component", service.to_owned()),
            ]);
        let trace = tracer.begin(request.headers(), span);
        Self(trace.filter(RequestTrace::is_recording))
    }

    /// Ends the span with the response, or without one.
    pub(crate) fn end<B, E>(self, answered: &Result<Response<B>, E>) {
        let Some(trace) = self.0 else {
            return;
        };
        let span = trace.context().span();
        let status = answered.as_ref().ok().map(Response::status);
        if let Some(status) = status {
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
        }
        if status.is_none_or(|status| status.is_client_error() || status.is_server_error()) {
            let kind = status.map_or_else(|| "_OTHER".to_owned(), |code| code.as_str().to_owned());
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}
