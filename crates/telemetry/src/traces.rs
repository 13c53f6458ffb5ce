//! Recording the traces of this process for a collector of OpenTelemetry.

use anyhow::{Context as _, Result};
use opentelemetry::global;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::collector::Collector;
use crate::variables::Signal;

/// Records the spans that begin from now on and continues the traces of clients, if there is a
/// collector.
pub(crate) fn start(resource: Resource) -> Result<Option<SdkTracerProvider>> {
    if !Signal::Traces.is_exported()? {
        return Ok(None);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(Signal::Traces)?)
        .build()
        .context("traces cannot be exported: check the variables OTEL_EXPORTER_OTLP_*")?;
    // Spans that come faster than they are exported are dropped, so that no request waits.
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(Some(provider))
}
