//! A response before the host sends it. The headers that all responses have are added in `headers`.

use crate::http::problem::Problem;

/// Status, headers and the whole body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers; the pipeline adds those that every response has.
    pub headers: Vec<(&'static str, String)>,
    /// The body; its length is always sent as `content-length`.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response without a body.
    pub fn empty(status: u16) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Creates a response with a JSON text as its body.
    pub fn json(status: u16, body: impl Into<String>) -> Response {
        Response {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.into().into_bytes(),
        }
    }

    /// Creates the response of a problem.
    pub fn problem(problem: &Problem, request_id: &str) -> Response {
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        headers.extend(problem.headers.iter().cloned());
        if problem.status() == 401 {
            headers.push(("www-authenticate", "Bearer".to_owned()));
        }
        Response {
            status: problem.status(),
            headers,
            body: problem.body(request_id).into_bytes(),
        }
    }

    /// Marks the response as replayed if it was stored for an idempotency key.
    pub fn replayed(self, is_replayed: bool) -> Response {
        if is_replayed {
            self.header("idempotency-replayed", "true")
        } else {
            self
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }
}
