//! The spans of jobs and deliveries. Exporting them is the task of the program that runs the
//! worker.
//!
//! A span has no address, no text and no reason of a failure, because that may quote what a
//! recipient answered.

use anyhow::Result;
use opentelemetry::trace::{
    FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, global};
use uuid::Uuid;

use crate::queue::{Response, SendResult};

/// The attribute that names the job.
const JOB: &str = "worker.job";

/// Does the work of one execution of a job in a span.
pub(crate) async fn in_job<T>(
    job: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let span = SpanBuilder::from_name(job)
        .with_kind(SpanKind::Internal)
        .with_attributes([KeyValue::new(JOB, job)]);
    let context = begin(span);
    let result = work.with_context(context.clone()).await;
    let span = context.span();
    if result.is_err() {
        span.set_attribute(KeyValue::new("error.type", "_OTHER"));
        span.set_status(Status::error(""));
    }
    span.end();
    result
}

/// Makes one attempt to deliver in a span, below that of the job's execution that begins it. The
/// recipient does not learn of the trace.
pub(crate) async fn in_attempt(
    job: &'static str,
    tenant: Uuid,
    number: i32,
    attempt: impl Future<Output = Response>,
) -> Response {
    let span = SpanBuilder::from_name(format!("deliver {job}"))
        .with_kind(SpanKind::Client)
        .with_attributes([
            KeyValue::new(JOB, job),
            KeyValue::new("lms.tenant.id", tenant.to_string()),
            KeyValue::new("lms.delivery.attempt", i64::from(number)),
        ]);
    let context = begin(span);
    let response = attempt.with_context(context.clone()).await;
    let span = context.span();
    let status = response.status.map(i64::from);
    if let Some(status) = status {
        span.set_attribute(KeyValue::new("http.response.status_code", status));
    }
    if !matches!(response.result, SendResult::Accepted(_)) {
        let kind = status.map_or_else(|| "_OTHER".to_owned(), |status| status.to_string());
        span.set_attribute(KeyValue::new("error.type", kind));
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// Returns the id of the current trace, for events of the log; none if nothing is recorded.
pub(crate) fn trace_id() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Begins a span below the current one.
fn begin(span: SpanBuilder) -> Context {
    let parent = Context::current();
    let span = global::tracer("lms.worker").build_with_context(span, &parent);
    parent.with_span(span)
}
