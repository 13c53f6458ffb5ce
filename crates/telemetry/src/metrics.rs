//! Collecting the metrics of this process: for a page in Prometheus' text format, and for a
//! collector of OpenTelemetry.

use anyhow::{Context as _, Result};
use opentelemetry_otlp::{MetricExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};

use crate::collector::Collector;
use crate::variables::Signal;

/// The page with the metrics of this process.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Returns all metrics in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// When a metric cannot be written as text.
    pub fn to_text(&self) -> Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8(text)?)
    }
}

/// Collects what instruments measure from now on, if it is for a page or for a collector.
pub(crate) fn start(
    resource: Resource,
    page: Option<&Metrics>,
) -> Result<Option<SdkMeterProvider>> {
    let is_exported = Signal::Metrics.is_exported()?;
    if page.is_none() && !is_exported {
        return Ok(None);
    }
    let mut provider = SdkMeterProvider::builder().with_resource(resource);
    if let Some(page) = page {
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(page.registry.clone())
            .scope_info_enabled(false)
            .build()
            .context("cannot collect metrics")?;
        provider = provider.with_reader(reader);
    }
    if is_exported {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(Collector::new(Signal::Metrics)?)
            .build()
            .context("metrics cannot be exported: check the variables OTEL_EXPORTER_OTLP_*")?;
        provider = provider.with_periodic_exporter(exporter);
    }
    let provider = provider.build();
    opentelemetry::global::set_meter_provider(provider.clone());
    Ok(Some(provider))
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn what_an_instrument_measures_is_in_the_text() {
        let metrics = Metrics::default();
        start(Resource::builder().build(), Some(&metrics)).unwrap();
        let lamps = opentelemetry::global::meter("test")
            .u64_counter("lamps")
            .build();
        lamps.add(2, &[KeyValue::new("colour", "red")]);
        let text = metrics.to_text().unwrap();
        assert!(text.contains("lamps_total{colour=\"red\"} 2"), "{text}");
    }
}
