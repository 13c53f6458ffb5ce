//! `lms analytics`: refreshes the views of the analytics. The views are listed in
//! `database::analytics`.

use std::path::Path;

use anyhow::Result;
use database::analytics::View;

use super::database_url;
use crate::answer::{Lines, Outcome};
use crate::arguments;

pub(super) async fn refresh(state: &Path, arguments: arguments::Refresh) -> Result<Outcome> {
    let database_url = database_url(state, arguments.target).await?;
    let refreshed = match arguments.view {
        Some(view) => worker::refresh_views(&database_url, &[view]).await?,
        None => worker::refresh_views(&database_url, &View::ALL).await?,
    };
    Ok(Outcome::answer(Lines::new("views", refreshed)))
}
