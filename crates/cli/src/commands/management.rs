//! The management address of long-running commands. What is served there is in the crate `telemetry`.

use anyhow::{Context as _, Result};
use telemetry::Metrics;
use tokio::net::TcpListener;

use crate::arguments::management::Management;

/// Collects and serves metrics for as long as this process runs, if an address is given. Returns whether one is.
pub(super) async fn start(arguments: &Management, service: &'static str) -> Result<bool> {
    let Some(address) = arguments.management else {
        return Ok(false);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on the management address {address}"))?;
    let metrics = Metrics::collect(service)?;
    tokio::spawn(telemetry::serve(listener, metrics, std::future::pending()));
    Ok(true)
}
