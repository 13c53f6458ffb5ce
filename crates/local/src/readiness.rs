//! Measuring whether the application is ready, by asking it as a load balancer does.

use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::global;
use opentelemetry::metrics::Gauge;

/// The path that answers 200 when the application is ready.
pub(crate) const PATH: &str = "/readyz";

/// The interval between two measurements.
const INTERVAL: Duration = Duration::from_secs(15);

/// The time limit of an answer. An application that takes longer is not ready.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Measures for ever whether the application at a base URL is ready.
///
/// # Errors
///
/// When the HTTP client cannot be created.
pub(crate) async fn measure(base_url: &str) -> Result<()> {
    let url = format!("{base_url}{PATH}");
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        // The host could not stop before an idle connection is closed.
        .pool_max_idle_per_host(0)
        .build()
        .context("cannot prepare the HTTP client")?;
    let gauge: Gauge<u64> = global::meter("lms.host")
        .u64_gauge("lms.host.ready")
        .with_description("Is 1 if the application was ready when it was last asked.")
        .build();
    loop {
        let response = client.get(&url).send().await;
        let is_ready = response.is_ok_and(|response| response.status().is_success());
        gauge.record(u64::from(is_ready), &[]);
        tokio::time::sleep(INTERVAL).await;
    }
}
