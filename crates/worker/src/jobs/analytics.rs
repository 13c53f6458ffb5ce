//! Refreshing the materialized views behind the analytics, at an interval of its own.
//! A single view is refreshed in `database::analytics`.

use std::time::Duration;

use anyhow::Result;
use database::analytics::{self, Refreshed, View};

use crate::metrics::JobMetrics;
use crate::periodic::run_periodically;

/// The name of the job.
const ANALYTICS: &str = "analytics";

/// Refreshes for ever.
pub(crate) async fn run(database_url: &str, interval: Duration) {
    let metrics = JobMetrics::new(ANALYTICS);
    run_periodically(&metrics, interval, || async {
        let refreshed = metrics.measure(refresh(database_url, &View::ALL)).await;
        refreshed.map(|_| ())
    })
    .await;
}

/// Refreshes views one after the other, as one execution of the job.
///
/// # Errors
///
/// When the database fails. The views before the failure are refreshed.
pub async fn refresh_views(database_url: &str, views: &[View]) -> Result<Vec<Refreshed>> {
    let refreshing = refresh(database_url, views);
    JobMetrics::new(ANALYTICS).measure(refreshing).await
}

async fn refresh(database_url: &str, views: &[View]) -> Result<Vec<Refreshed>> {
    let client = database::connect(database_url).await?;
    let mut refreshed = Vec::new();
    for view in views {
        refreshed.push(analytics::refresh(&client, *view).await?);
    }
    Ok(refreshed)
}
