//! The host's own error responses: problem documents (RFC 9457) of the same form as the
//! application's. The errors of a request that reaches a component are reported by the component.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::request_id::X_REQUEST_ID;
use super::response_body::{self, Body};

/// The kinds of problem that the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request cannot be parsed.
    MalformedRequest,
    /// No route matches.
    NotFound,
    /// The client sent the body too slowly.
    RequestTimeout,
    /// A component failed.
    InternalError,
    /// Too many requests are in progress, or the host is shutting down.
    Unavailable,
    /// A component did not respond in time.
    GatewayTimeout,
}

impl Kind {
    /// The status, `type` and `title`. They are the application's for the same problem; for one
    /// that the application does not have, they are the standard's for a status without further
    /// meaning.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::MalformedRequest => (
                StatusCode::BAD_REQUEST,
                "/problems/malformed-request",
                "Malformed request",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "/problems/not-found", "Not found"),
            Self::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "/problems/body-too-slow",
                "Request body timeout",
            ),
            Self::InternalError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal-error",
                "Internal error",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/unavailable",
                "Service unavailable",
            ),
            Self::GatewayTimeout => (
                StatusCode::GATEWAY_TIMEOUT,
                "about:blank",
                "Gateway Timeout",
            ),
        }
    }
}

/// An error that the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Option<&'static str>,
    retry_after: Option<u16>,
    close_connection: bool,
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    request_id: &'a str,
}

impl Problem {
    /// A problem of the kind without a detail.
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            retry_after: None,
            close_connection: false,
        }
    }

    /// Adds a sentence on what is wrong and what to do, which reveals no internals.
    pub(crate) const fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Adds the seconds after which the client may try again.
    pub(crate) const fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Closes the connection after the response, because the rest of a request body may follow on
    /// it.
    pub(crate) const fn close_connection(mut self) -> Self {
        self.close_connection = true;
        self
    }

    /// The response to the request with the id.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let (status, r#type, title) = self.kind.parts();
        let document = Document {
            r#type,
            title,
            status: status.as_u16(),
            detail: self.detail,
            request_id,
        };
        // Serialization cannot fail: there are only texts and numbers.
        let text = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(response_body::buffered(Bytes::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close_connection {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_response_has_the_document_the_request_id_and_the_headers() -> anyhow::Result<()> {
        let problem = Problem::new(Kind::Unavailable)
            .detail("Try again later.")
            .retry_after(5)
            .close_connection();
        let response = problem.into_response("r-1");
        assert_eq!(response.status(), 503);
        for (name, value) in [
            ("content-type", "application/problem+json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-request-id", "r-1"),
            ("retry-after", "5"),
            ("connection", "close"),
        ] {
            assert_eq!(response.headers()[name], value, "{name}");
        }
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))?
            .to_bytes();
        assert_eq!(
            serde_json::from_slice::<Value>(&body)?,
            json!({
                "type": "/problems/unavailable",
                "title": "Service unavailable",
                "status": 503,
                "detail": "Try again later.",
                "request_id": "r-1",
            })
        );
        Ok(())
    }
}
