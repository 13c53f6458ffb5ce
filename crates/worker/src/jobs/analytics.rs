//! Refreshing the materialized views behind the analytics, at an interval of its own.
//! A single view is refreshed in `database::analytics`.

use std::time::Duration;

use anyhow::Result;
use database::analytics::{self, View};

use crate::metrics::JobMetrics;
use crate::periodic::run_periodically;

/// Refreshes for ever.
pub(crate) async fn run(database_url: &str, interval: Duration) {
    let metrics = JobMetrics::new("analytics");
    run_periodically(&metrics, interval, || {
        metrics.measure(refresh_all(database_url))
    })
    .await;
}

async fn refresh_all(database_url: &str) -> Result<()> {
    let client = database::connect(database_url).await?;
    for view in View::ALL {
        analytics::refresh(&client, view).await?;
    }
    Ok(())
}
