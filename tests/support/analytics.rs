//! Refreshes the materialized views for tests that read analytics.
//! The tests of a refresh itself are in `tests/worker/analytics_refresh.rs`.

use anyhow::Result;
use database::analytics::{self, View};

use crate::Application;

/// Refreshes every view.
pub async fn refresh(app: &Application) -> Result<()> {
    let client = app.superuser().await?;
    for view in View::ALL {
        analytics::refresh(&client, view).await?;
    }
    Ok(())
}
