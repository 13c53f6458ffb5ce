//! Converts refusals and errors to responses, and writes the details of errors to standard error.
//! The handlers decide the status of a refusal.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The reason for an error response.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused with this status.
    Refused(StatusCode),
    /// An internal error.
    Broken(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Broken(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Refused(status) => status.into_response(),
            Failure::Broken(error) => {
                eprintln!("{error:#}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
