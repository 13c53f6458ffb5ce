//! Refusals and errors as answers; the details go to standard error.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a request got no answer of its own.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused with this status.
    Refused(StatusCode),
    /// Something broke.
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
