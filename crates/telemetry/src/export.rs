//! The start and the end of what a process exports: metrics and traces. Each of them is built in a
//! module of its own.

use std::time::Duration;

use anyhow::Result;
use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::{Metrics, metrics, traces, variables};

/// How long the last export may take when the process ends, for metrics and for traces each.
const LAST_EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The attribute that names the service.
const SERVICE_NAME: &str = "service.name";

/// The export of this process. Dropping it exports what is left, which blocks the thread.
#[must_use = "nothing more is exported once it is dropped"]
pub struct Export {
    metrics: Option<SdkMeterProvider>,
    traces: Option<SdkTracerProvider>,
}

impl Export {
    /// Measures for a page, if there is one, and exports metrics and traces as the environment
    /// variables of OpenTelemetry say: without these, nothing. Instruments and tracers that were
    /// created before do nothing, so this comes before the application is loaded. It has to be
    /// called on a runtime of Tokio.
    ///
    /// # Errors
    ///
    /// When the variables ask for something that is not supported.
    pub fn start(service: &'static str, page: Option<&Metrics>) -> Result<Self> {
        let resource = resource(service);
        Ok(Self {
            metrics: metrics::start(resource.clone(), page)?,
            traces: traces::start(resource)?,
        })
    }

    /// Returns whether anyone reads what this process measures.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.metrics.is_some()
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        // A collector that is away has been reported by its client, and the process ends all the
        // same.
        if let Some(traces) = &self.traces {
            let _ = traces.shutdown_with_timeout(LAST_EXPORT_TIMEOUT);
        }
        if let Some(metrics) = &self.metrics {
            let _ = metrics.shutdown_with_timeout(LAST_EXPORT_TIMEOUT);
        }
    }
}

/// Describes this process by the environment variables. The service is the given one, unless they
/// name another.
fn resource(service: &'static str) -> Resource {
    let named = variables::resource_attribute(SERVICE_NAME);
    let name = variables::read("OTEL_SERVICE_NAME").or(named);
    let name = name.unwrap_or_else(|| service.to_owned());
    Resource::builder()
        .with_attribute(KeyValue::new(SERVICE_NAME, name))
        .build()
}
