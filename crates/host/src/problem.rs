//! The host's own refusals and failures, as problem documents (RFC 9457) in the shape that the
//! application's own have. A request that reaches a component is answered by the component.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use crate::response::{self, Body};

/// The header that names a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The kinds of problem that the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request cannot be parsed.
    Malformed,
    /// No route matches.
    NotFound,
    /// The body did not come in time.
    TooSlow,
    /// A component broke off.
    Internal,
    /// As much as can be is under way already.
    Unavailable,
    /// A component did not answer in time.
    TimedOut,
}

impl Kind {
    /// Status, `type` and title. What is no problem of the application's own has the type that the
    /// standard gives to a bare status.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "/problems/malformed-request",
                "The request can't be parsed",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "/problems/not-found",
                "There is no such thing here",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "/problems/body-too-slow",
                "The body did not come in time",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal-error",
                "Something broke on our side",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/unavailable",
                "The service can't answer right now",
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "about:blank",
                "Gateway Timeout",
            ),
        }
    }
}

/// A refusal or a failure on its way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Option<&'static str>,
    retry_after: Option<u16>,
    closes: bool,
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
    /// A problem of the kind, with nothing said beyond its title.
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            retry_after: None,
            closes: false,
        }
    }

    /// Says what happened and what to do, without internals.
    pub(crate) const fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Says when to come again, in seconds.
    pub(crate) const fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Ends the client's connection, on which the rest of a body may still stand.
    pub(crate) const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The answer to the request with the id.
    pub(crate) fn response(self, request_id: &str) -> Response<Body> {
        let (status, r#type, title) = self.kind.parts();
        let document = Document {
            r#type,
            title,
            status: status.as_u16(),
            detail: self.detail,
            request_id,
        };
        // Texts and numbers can always be written.
        let text = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(response::whole(Bytes::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The client's `X-Request-Id` when it is a sane one, or a new one.
pub(crate) fn request_id(given: Option<&HeaderValue>) -> String {
    given
        .and_then(|id| id.to_str().ok())
        .filter(|id| {
            (1..=100).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_problem_is_a_document_with_an_id_and_a_time_to_come_again() -> anyhow::Result<()> {
        let problem = Problem::new(Kind::Unavailable)
            .detail("Come again.")
            .retry_after(5)
            .closing();
        let response = problem.response("r-1");
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
                "title": "The service can't answer right now",
                "status": 503,
                "detail": "Come again.",
                "request_id": "r-1",
            })
        );
        Ok(())
    }

    #[test]
    fn a_sane_id_of_the_client_is_kept() -> anyhow::Result<()> {
        let sane = HeaderValue::from_static("a-b_c.d:1");
        assert_eq!(request_id(Some(&sane)), "a-b_c.d:1");
        for odd in ["", "a b", "<x>", &"a".repeat(101)] {
            let odd = HeaderValue::from_str(odd)?;
            assert!(Uuid::parse_str(&request_id(Some(&odd))).is_ok(), "{odd:?}");
        }
        assert!(Uuid::parse_str(&request_id(None)).is_ok());
        Ok(())
    }
}
