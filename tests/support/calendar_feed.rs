//! Creates and reads the URL of a calendar feed.
//! The tests of the feed's contents are in `tests/api/academics/calendar_feed*.rs`.

use anyhow::{Context, Result};
use http::Method;

use crate::{Application, Reply, Session};

/// The path of the resource that creates and revokes feed URLs.
pub const FEED: &str = "/v1/calendar/feed";

/// Creates a feed URL and returns its path.
pub async fn subscribe(app: &Application, session: &Session) -> Result<String> {
    let created = app.call(Some(session), Method::POST, FEED, None).await?;
    let body = created.expect(201).json();
    let url = body["url"].as_str().context("the response has no URL")?;
    let path = url
        .strip_prefix(&app.base_url)
        .context("the URL names another host")?;
    Ok(path.to_owned())
}

/// Reads a feed as calendar programs do, without a session.
pub async fn read(app: &Application, path: &str) -> Result<Reply> {
    app.call(None, Method::GET, path, None).await
}
