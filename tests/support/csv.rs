//! Exports a list as CSV and imports a CSV file.
//! Reading and comparing the files is left to the tests.

use crate::{Application, Reply, Session, send};
use anyhow::Result;
use http::Method;

/// Reads a list as a CSV file.
pub async fn export(app: &Application, session: &Session, path: &str) -> Result<Reply> {
    let request = app
        .request(Method::GET, path)
        .bearer_auth(&session.token)
        .header("accept", "text/csv");
    send(request).await
}

/// Sends a CSV file.
pub async fn import(
    app: &Application,
    session: &Session,
    path: &str,
    file: impl Into<Vec<u8>>,
) -> Result<Reply> {
    let request = app
        .request(Method::POST, path)
        .bearer_auth(&session.token)
        .header("content-type", "text/csv")
        .body(file.into());
    send(request).await
}
