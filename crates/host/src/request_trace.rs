//! The span of a request, under which its statements and its requests to services have theirs. The
//! spans of clients' requests begin in `server::traces`, those of services in `wasm::service_span`,
//! and those of statements in `postgres::traces`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, TraceId, Tracer as _};

/// The header in which a sender names the trace, and its span (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Begins the spans of requests, if spans are recorded.
#[derive(Clone)]
pub(crate) struct RequestTracer(Option<Arc<BoxedTracer>>);

impl RequestTracer {
    /// Finds out whether spans are recorded: whether the program that embeds the host has set a
    /// global propagator, which continues the traces of clients, together with its tracer.
    pub(crate) fn new() -> Self {
        let are_recorded =
            global::get_text_map_propagator(|propagator| propagator.fields().next().is_some());
        Self(are_recorded.then(|| Arc::new(global::tracer("lms.host"))))
    }

    /// Begins a span below that of the sender, if the headers name one.
    pub(crate) fn begin(&self, headers: &HeaderMap, span: SpanBuilder) -> Option<RequestTrace> {
        let tracer = self.0.as_ref()?;
        let sender = global::get_text_map_propagator(|propagator| {
            propagator.extract_with_context(&Context::new(), &SenderTrace(headers))
        });
        let span = tracer.build_with_context(span, &sender);
        Some(RequestTrace {
            tracer: Arc::clone(tracer),
            context: sender.with_span(span),
        })
    }

    /// Returns whether spans are recorded at all.
    pub(crate) fn is_recording(&self) -> bool {
        self.0.is_some()
    }
}

/// The span of a request. A clone refers to the same span, which ends with the last of them unless
/// it has been ended before.
#[derive(Clone)]
pub(crate) struct RequestTrace {
    tracer: Arc<BoxedTracer>,
    context: Context,
}

impl RequestTrace {
    /// The context that has the span.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The id of the trace, whether it is recorded or not.
    pub(crate) fn id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Returns whether the trace was chosen to be recorded.
    pub(crate) fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Begins a span below this one.
    pub(crate) fn begin_child(&self, span: SpanBuilder) -> BoxedSpan {
        self.tracer.build_with_context(span, &self.context)
    }

    /// Names this span in the headers of a request as that of the sender.
    pub(crate) fn name_in(&self, headers: &mut HeaderMap) {
        let span = self.context.span();
        let context = span.span_context();
        let value = format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags()
        );
        // Hexadecimal digits are always a valid header value.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

/// The trace of a sender, as [`TRACEPARENT`] names it. `tracestate`, which may contain any text, is
/// not read.
struct SenderTrace<'a>(&'a HeaderMap);

impl Extractor for SenderTrace<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let header = (key == TRACEPARENT).then(|| self.0.get(TRACEPARENT));
        header.flatten()?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
