//! The instruments for requests, named by OpenTelemetry's semantic conventions for HTTP. Collecting and exporting what they measure
//! is the task of the program that embeds the host.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Response};
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

use super::router::Route;

/// The upper bounds of the histogram's buckets, in seconds. Most requests take a few milliseconds.
const DURATION_BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The instruments for the requests of an application.
#[derive(Clone)]
pub(crate) struct RequestMetrics {
    duration: Histogram<f64>,
    failures: Counter<u64>,
    /// The ids of the components, by the router's index.
    components: Vec<Arc<str>>,
}

impl RequestMetrics {
    /// Creates the instruments.
    pub(crate) fn new(components: impl IntoIterator<Item = String>) -> Self {
        let meter = global::meter("lms.host");
        let metrics = Self {
            duration: meter
                .f64_histogram("http.server.request.duration")
                .with_unit("s")
                .with_description(
                    "The time from the head of a request to the head of its response.",
                )
                .with_boundaries(DURATION_BOUNDS.to_vec())
                .build(),
            failures: meter
                .u64_counter("lms.host.component.failures")
                .with_description("The requests that a component did not answer.")
                .build(),
            components: components.into_iter().map(Arc::from).collect(),
        };
        metrics.begin_failures();
        metrics
    }

    /// Begins every count of failures at zero, because a count that begins at one shows no increase.
    fn begin_failures(&self) {
        for component in &self.components {
            for failure in Failure::ALL {
                let component = KeyValue::new("component", Arc::clone(component));
                let reason = KeyValue::new("reason", failure.name());
                self.failures.add(0, &[component, reason]);
            }
        }
    }

    /// Measures a request. Without a route, the path belongs to no component.
    pub(crate) fn record<B>(
        &self,
        method: &Method,
        route: Option<&Route>,
        response: &Response<B>,
        duration: Duration,
    ) {
        let mut attributes = self.attributes(method, route);
        attributes.push(KeyValue::new(
            "http.response.status_code",
            i64::from(response.status().as_u16()),
        ));
        self.duration.record(duration.as_secs_f64(), &attributes);
    }

    /// Returns the attributes of a request that are known before its response.
    pub(crate) fn attributes(&self, method: &Method, route: Option<&Route>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(4);
        attributes.push(KeyValue::new("http.request.method", method_name(method)));
        if let Some(route) = route {
            attributes.extend(self.component(route));
            attributes.push(KeyValue::new("http.route", Arc::clone(&route.name)));
        }
        attributes
    }

    /// Counts a request that a component did not answer.
    pub(crate) fn record_failure(&self, route: Option<&Route>, failure: Failure) {
        let mut attributes = vec![KeyValue::new("reason", failure.name())];
        attributes.extend(route.and_then(|route| self.component(route)));
        self.failures.add(1, &attributes);
    }

    fn component(&self, route: &Route) -> Option<KeyValue> {
        let component = self.component_id(route)?;
        Some(KeyValue::new("component", Arc::clone(component)))
    }

    /// Returns the id of a route's component.
    pub(crate) fn component_id(&self, route: &Route) -> Option<&Arc<str>> {
        self.components.get(route.component)
    }
}

/// The reason why a component did not answer a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// It took too long.
    Timeout,
    /// There was no instance of it.
    NoInstance,
    /// It failed: a trap, or an error of its own.
    Trap,
}

impl Failure {
    const ALL: [Self; 3] = [Self::Timeout, Self::NoInstance, Self::Trap];

    fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NoInstance => "no_instance",
            Self::Trap => "trap",
        }
    }
}

/// The method, if it is one of the standard ones: clients may send any other word.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
