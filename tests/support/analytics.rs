//! Refreshing the figures of analytics, for tests that read them. What a refresh does is tested in the room `worker`.

use anyhow::Result;
use database::analytics::{self, View};

use crate::Application;

/// Refreshes all views.
pub async fn refresh(app: &Application) -> Result<()> {
    let client = app.superuser().await?;
    for view in View::ALL {
        analytics::refresh(&client, view).await?;
    }
    Ok(())
}
