//! Collecting the metrics of this process, and writing them in Prometheus' text format.

use anyhow::{Context as _, Result};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder as _, Registry, TextEncoder};

/// The metrics of this process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Collects what instruments measure from now on. Instruments that were created before measure nothing, so this comes before
    /// the application is loaded.
    ///
    /// # Errors
    ///
    /// When the exporter cannot be registered.
    pub fn collect(service: &'static str) -> Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .context("cannot collect metrics")?;
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_reader(exporter)
            .build();
        opentelemetry::global::set_meter_provider(provider);
        Ok(Self { registry })
    }

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

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn what_an_instrument_measures_is_in_the_text() {
        let metrics = Metrics::collect("test").unwrap();
        let lamps = opentelemetry::global::meter("test")
            .u64_counter("lamps")
            .build();
        lamps.add(2, &[KeyValue::new("colour", "red")]);
        let text = metrics.to_text().unwrap();
        assert!(text.contains("lamps_total{colour=\"red\"} 2"), "{text}");
    }
}
