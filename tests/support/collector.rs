//! A collector of OpenTelemetry, which keeps the spans and the metrics that programs export to it.
//! The programs are started in `tests/operator/`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The wait before the spans are looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long it may take until an expected span has come.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A span that was exported, with its attributes as text.
#[derive(Clone, Debug)]
pub struct Span {
    /// The attributes of the process.
    pub resource: BTreeMap<String, String>,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// The id of its trace, in hexadecimal digits.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The id of the span above it; empty for the first of a trace.
    pub parent: String,
    /// True if it has ended with an error.
    pub is_error: bool,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// Returns an attribute, empty if it is missing.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Received {
    requests: usize,
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

/// The collector.
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    serving: JoinHandle<()>,
}

fn lock(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Collector {
    /// Starts a collector.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::default());
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&received));
        let serving = tokio::spawn(async move {
            // An error is ignored here, because the test misses what was exported.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            received,
            serving,
        })
    }

    /// Returns its base URL, which is the endpoint of exporters.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts the requests, whatever they are.
    pub fn request_count(&self) -> usize {
        lock(&self.received).requests
    }

    /// Returns everything that was exported as one text, to search it.
    pub fn text(&self) -> String {
        let received = lock(&self.received);
        format!("{:?} {:?}", received.traces, received.metrics)
    }

    /// Returns the spans.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for of_process in lock(&self.received)
            .traces
            .iter()
            .flat_map(|request| &request.resource_spans)
        {
            let resource = attributes_of(of_process.resource.as_ref());
            let exported = of_process.scope_spans.iter().flat_map(|scope| &scope.spans);
            spans.extend(exported.map(|span| {
                Span {
                    resource: resource.clone(),
                    name: span.name.clone(),
                    kind: span.kind(),
                    trace: hex::encode(&span.trace_id),
                    id: hex::encode(&span.span_id),
                    parent: hex::encode(&span.parent_span_id),
                    is_error: span
                        .status
                        .as_ref()
                        .is_some_and(|status| status.code() == SpanStatus::Error),
                    attributes: attributes(&span.attributes),
                }
            }));
        }
        spans
    }

    /// Returns the names of the metrics.
    pub fn metrics(&self) -> BTreeSet<String> {
        lock(&self.received)
            .metrics
            .iter()
            .flat_map(|request| &request.resource_metrics)
            .flat_map(|of_process| &of_process.scope_metrics)
            .flat_map(|scope| &scope.metrics)
            .map(|metric| metric.name.clone())
            .collect()
    }

    /// Waits for a span that fulfils the condition.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub async fn wait_for(&self, condition: impl Fn(&Span) -> bool) -> Result<Span> {
        let found = async {
            loop {
                if let Some(span) = self.spans().into_iter().find(&condition) {
                    return span;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, found)
            .await
            .with_context(|| format!("a span is missing: {:#?}", self.spans()))
    }

    /// Waits for a metric.
    ///
    /// # Errors
    ///
    /// When it does not come.
    pub async fn wait_for_metric(&self, name: &str) -> Result<()> {
        let found = async {
            while !self.metrics().contains(name) {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, found)
            .await
            .with_context(|| format!("{name} is missing: {:?}", self.metrics()))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(
    State(received): State<Arc<Mutex<Received>>>,
    uri: Uri,
    body: Bytes,
) -> StatusCode {
    let mut received = lock(&received);
    received.requests += 1;
    match uri.path() {
        "/v1/traces" => match ExportTraceServiceRequest::decode(body) {
            Ok(request) => received.traces.push(request),
            Err(_) => return StatusCode::BAD_REQUEST,
        },
        "/v1/metrics" => match ExportMetricsServiceRequest::decode(body) {
            Ok(request) => received.metrics.push(request),
            Err(_) => return StatusCode::BAD_REQUEST,
        },
        _ => return StatusCode::NOT_FOUND,
    }
    // An empty message says that everything was accepted.
    StatusCode::OK
}

fn attributes_of(resource: Option<&Resource>) -> BTreeMap<String, String> {
    resource.map_or_else(BTreeMap::new, |resource| attributes(&resource.attributes))
}

fn attributes(exported: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| {
        (
            pair.key.clone(),
            pair.value.as_ref().map_or_else(String::new, text),
        )
    };
    exported.iter().map(text).collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::ArrayValue(array)) => {
            let texts: Vec<String> = array.values.iter().map(text).collect();
            texts.join(",")
        }
        other => format!("{other:?}"),
    }
}
