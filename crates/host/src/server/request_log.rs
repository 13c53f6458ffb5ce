//! The events about requests: the failures of components, and the access log. No event has a path, a
//! query, a header or a body, because those contain what people typed.

use std::fmt::Display;
use std::time::Duration;

use http::{HeaderValue, Response};
use http_body::Body;
use tracing::Level;
use uuid::Uuid;

use super::request_id::X_REQUEST_ID;
use super::router::Route;
use super::trace_id;
use crate::request_trace::RequestTrace;

/// The target of the access log, which is off unless the process that embeds the host turns it on.
const ACCESS: &str = "access";

/// Returns whether there is an access log.
pub(crate) fn has_access() -> bool {
    tracing::enabled!(target: ACCESS, Level::INFO)
}

/// A request, as far as events tell of it.
pub(crate) struct LoggedRequest<'a> {
    /// The method, if it is a standard one.
    pub(crate) method: &'static str,
    /// The route of the manifest; none if no route matches.
    pub(crate) route: Option<&'a Route>,
    /// The id of the route's component.
    pub(crate) component: Option<&'a str>,
    /// The trace, if it may be recorded.
    pub(crate) trace: Option<&'a RequestTrace>,
    /// The client's header, which names the trace if the host has none.
    pub(crate) traceparent: Option<&'a HeaderValue>,
}

impl LoggedRequest<'_> {
    /// Logs that the component gave no answer.
    pub(crate) fn failed(&self, request_id: &str, cause: impl Display) {
        tracing::error!(
            method = self.method,
            route = self.route_name(),
            component = self.component,
            request_id,
            trace_id = self.trace_id(),
            "the component did not answer: {cause}"
        );
    }

    /// Logs the head of the response, the tenant if it is known, and the time that it took, in the
    /// access log.
    pub(crate) fn answered<B: Body>(
        &self,
        response: &Response<B>,
        tenant: Option<Uuid>,
        duration: Duration,
    ) {
        if !has_access() {
            return;
        }
        let request_id = response.headers().get(X_REQUEST_ID);
        tracing::info!(
            target: ACCESS,
            method = self.method,
            route = self.route_name(),
            component = self.component,
            status = response.status().as_u16(),
            duration_ms = milliseconds(duration),
            bytes = response.body().size_hint().exact(),
            tenant_id = tenant.map(|id| id.to_string()),
            request_id = request_id.and_then(|id| id.to_str().ok()),
            trace_id = self.trace_id(),
            "answered"
        );
    }

    fn trace_id(&self) -> Option<String> {
        match self.trace {
            Some(trace) => Some(trace.id().to_string()),
            None => trace_id::from_header(self.traceparent),
        }
    }

    fn route_name(&self) -> Option<&str> {
        self.route.map(|route| &*route.name)
    }
}

/// Returns a duration in milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
