//! The management address of long-running commands, and what they export. The work is done in the
//! crate `telemetry`.

use anyhow::{Context as _, Result};
use telemetry::{Export, Metrics};
use tokio::net::TcpListener;

use crate::arguments::management::Management;

/// Serves metrics for as long as this process runs, if an address is given, and exports metrics and
/// traces until the result is dropped, if there is a collector.
pub(super) async fn start(arguments: &Management, service: &'static str) -> Result<Export> {
    let Some(address) = arguments.management else {
        return Export::start(service, None);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on the management address {address}"))?;
    let metrics = Metrics::default();
    let export = Export::start(service, Some(&metrics))?;
    tokio::spawn(telemetry::serve(listener, metrics, std::future::pending()));
    Ok(export)
}
