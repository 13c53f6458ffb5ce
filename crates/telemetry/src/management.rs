//! The server on the management address, which answers `GET /metrics`. It is meant for the
//! operator's network: clients of the application have no access to it.

use std::future::Future;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::Metrics;

/// The media type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the metrics until `shutdown` is ready.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let router = Router::new().route("/metrics", get(move || async move { respond(&metrics) }));
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
        .context("the management address cannot be served")
}

fn respond(metrics: &Metrics) -> Response {
    match metrics.to_text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
