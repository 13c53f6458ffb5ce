//! `lms analytics`: refreshes the views of the analytics. The views are listed in
//! `database::analytics`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use database::analytics::{self, View};

use super::{database_url, print_line};
use crate::arguments;

pub(super) async fn refresh(state: &Path, arguments: arguments::Refresh) -> Result<ExitCode> {
    let database_url = database_url(state, arguments.target).await?;
    match arguments.view {
        Some(view) => refresh_views(&database_url, &[view]).await?,
        None => refresh_views(&database_url, &View::ALL).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Refreshes the views, and prints what was refreshed.
pub(super) async fn refresh_views(database_url: &str, views: &[View]) -> Result<()> {
    let client = database::connect(database_url).await?;
    for view in views {
        print_line(analytics::refresh(&client, *view).await?)?;
    }
    Ok(())
}
