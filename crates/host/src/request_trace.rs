//! The span of a request, under which its statements have theirs. It begins in `server::traces`;
//! the spans of statements are in `postgres::traces`.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{SpanBuilder, TraceContextExt as _, TraceId, Tracer as _};

/// The span of a request. A clone refers to the same span, which ends with the last of them unless
/// it has been ended before.
#[derive(Clone)]
pub(crate) struct RequestTrace {
    tracer: Arc<BoxedTracer>,
    context: Context,
}

impl RequestTrace {
    /// Begins a span below that of the client, if the context has one.
    pub(crate) fn begin(tracer: &Arc<BoxedTracer>, client: &Context, span: SpanBuilder) -> Self {
        let span = tracer.build_with_context(span, client);
        Self {
            tracer: Arc::clone(tracer),
            context: client.with_span(span),
        }
    }

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
}
