//! Refreshing the views that analytics are read from, on a schedule of its own.

use std::time::Duration;

use anyhow::Result;
use database::analytics::{self, View};

use crate::pace::rest;

/// Refreshes for ever.
pub(crate) async fn work(address: &str, interval: Duration) {
    loop {
        let outcome = refresh_all(address).await;
        tokio::time::sleep(rest("analytics: ", outcome, interval)).await;
    }
}

async fn refresh_all(address: &str) -> Result<()> {
    let client = database::connect(address).await?;
    for view in View::ALL {
        analytics::refresh(&client, view).await?;
    }
    Ok(())
}
