//! Making and reading the address of a calendar, for tests of what stands in it. No test stands here.

use anyhow::{Context, Result};
use http::Method;

use crate::{Application, Reply, Session};

/// The path of the address of one's calendar.
pub const FEED: &str = "/v1/calendar/feed";

/// Makes an address and returns what it is behind the application's own.
pub async fn subscribe(app: &Application, session: &Session) -> Result<String> {
    let made = app.call(Some(session), Method::POST, FEED, None).await?;
    let body = made.expect(201).json();
    let url = body["url"].as_str().context("no address")?;
    let path = url.strip_prefix(&app.base_url).context("another host")?;
    Ok(path.to_owned())
}

/// Reads a calendar as its programs do: without signing in.
pub async fn read(app: &Application, path: &str) -> Result<Reply> {
    app.call(None, Method::GET, path, None).await
}
