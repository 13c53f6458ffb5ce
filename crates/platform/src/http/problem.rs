//! Problem details (RFC 9457): the one shape in which every refusal and failure is answered.

use serde::Serialize;
use serde_json::json;

use crate::values::field_error::{FieldError, MAX_ERRORS};

/// The kinds of problem, each with a stable `type`, a title and a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be parsed.
    Malformed,
    /// There is no valid token.
    Unauthenticated,
    /// E-mail, password or tenant is wrong.
    CredentialsRefused,
    /// The role may not do this.
    Forbidden,
    /// It is not there, or not the caller's.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// No representation that the client accepts.
    NotAcceptable,
    /// The body did not come in time.
    TooSlow,
    /// It clashes with what is there.
    Conflict,
    /// `If-Match` names another version.
    Stale,
    /// The body is too large.
    TooLarge,
    /// The body's media type is not one of those taken.
    UnsupportedMediaType,
    /// The token is of another region.
    WrongRegion,
    /// Parsed, but not valid.
    Invalid,
    /// The idempotency key came before with another request.
    KeyReused,
    /// A header such as `If-Match` is required.
    PreconditionRequired,
    /// Too many attempts.
    TooManyRequests,
    /// Something broke on our side.
    Internal,
    /// The database can't be reached, or this cell can't serve.
    Unavailable,
}

impl Kind {
    /// Every kind, for the reference page.
    pub const ALL: [Kind; 19] = [
        Kind::Malformed,
        Kind::Unauthenticated,
        Kind::CredentialsRefused,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::MethodNotAllowed,
        Kind::NotAcceptable,
        Kind::TooSlow,
        Kind::Conflict,
        Kind::Stale,
        Kind::TooLarge,
        Kind::UnsupportedMediaType,
        Kind::WrongRegion,
        Kind::Invalid,
        Kind::KeyReused,
        Kind::PreconditionRequired,
        Kind::TooManyRequests,
        Kind::Internal,
        Kind::Unavailable,
    ];

    /// HTTP status, `type` behind `/problems/`, and title.
    pub const fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Kind::Malformed => (400, "malformed-request", "Malformed request"),
            Kind::Unauthenticated => (401, "unauthenticated", "Authentication required"),
            Kind::CredentialsRefused => (401, "credentials-refused", "Sign-in refused"),
            Kind::Forbidden => (403, "forbidden", "Permission denied"),
            Kind::NotFound => (404, "not-found", "Not found"),
            Kind::MethodNotAllowed => (405, "method-not-allowed", "Method not allowed"),
            Kind::NotAcceptable => (406, "not-acceptable", "Not acceptable"),
            Kind::TooSlow => (408, "body-too-slow", "Request body timeout"),
            Kind::Conflict => (409, "conflict", "Conflict"),
            Kind::Stale => (412, "stale-version", "Stale version"),
            Kind::TooLarge => (413, "body-too-large", "Body too large"),
            Kind::UnsupportedMediaType => (415, "unsupported-media-type", "Unsupported media type"),
            Kind::WrongRegion => (421, "wrong-region", "Wrong region"),
            Kind::Invalid => (422, "invalid-input", "Invalid request"),
            Kind::KeyReused => (422, "idempotency-key-reused", "Idempotency key reused"),
            Kind::PreconditionRequired => (428, "precondition-required", "Required header missing"),
            Kind::TooManyRequests => (429, "too-many-requests", "Too many requests"),
            Kind::Internal => (500, "internal-error", "Internal error"),
            Kind::Unavailable => (503, "unavailable", "Service unavailable"),
        }
    }
}

/// A refusal or failure on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is.
    pub kind: Kind,
    /// A sentence for people about this occurrence, without internals.
    pub detail: Option<String>,
    /// What is wrong with which field.
    pub errors: Vec<FieldError>,
    /// Headers that go with the answer, such as `Retry-After` or `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// One line for the operator; it goes to the log, never to the client.
    pub cause: Option<String>,
}

/// The answer's body.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem of the kind, with nothing said beyond its title.
    pub fn new(kind: Kind) -> Problem {
        Problem {
            kind,
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// Says what happened and what to do.
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }

    /// JSON of our own, such as the database's answer, that is not of the agreed shape: a fault of ours. The log is told where, for the
    /// error's own words quote what stands there, which may be somebody's.
    pub fn unreadable(error: &serde_json::Error) -> Problem {
        Problem::new(Kind::Internal).cause(format!(
            "JSON that can't be read ({:?}), line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        ))
    }

    /// Adds the line for the operator.
    pub fn cause(mut self, cause: impl Into<String>) -> Problem {
        self.cause = Some(cause.into());
        self
    }

    /// A problem of the kind with what is wrong with which field; of very many, the first.
    pub fn with(kind: Kind, mut errors: Vec<FieldError>) -> Problem {
        errors.truncate(MAX_ERRORS);
        Problem {
            errors,
            ..Problem::new(kind)
        }
    }

    /// Input that was parsed but is not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        Problem::with(Kind::Invalid, errors)
    }

    /// A query or a header that can't be parsed, or parameters that are unknown.
    pub fn malformed(errors: Vec<FieldError>) -> Problem {
        Problem::with(Kind::Malformed, errors)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.parts().0
    }

    /// The body as JSON text.
    pub fn body(&self, request_id: &str) -> String {
        let (status, name, title) = self.kind.parts();
        let body = Body {
            r#type: format!("/problems/{name}"),
            title,
            status,
            detail: self.detail.as_deref(),
            request_id,
            errors: &self.errors,
        };
        // `json!` panics on what can't be written, which texts and numbers always can.
        json!(body).to_string()
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Problem {
        Problem::new(Kind::Internal).cause(format!("no randomness: {error}"))
    }
}

/// That the tenant is served elsewhere, at this base URL.
pub fn misdirected(url: &str) -> Problem {
    Problem::new(Kind::WrongRegion)
        .detail(format!(
            "The tenant is served elsewhere. Use {url} instead."
        ))
        .header("location", url)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn body(problem: &Problem) -> Value {
        serde_json::from_str(&problem.body("r-1")).unwrap()
    }

    #[test]
    fn the_body_is_a_problem_document() {
        let problem = Problem::invalid(vec![FieldError::new("/dob", "invalid_date", "No date.")])
            .detail("Look again.")
            .header("x", "y")
            .cause("secret");
        assert_eq!(
            body(&problem),
            json!({
                "type": "/problems/invalid-input",
                "title": "Invalid request",
                "status": 422,
                "detail": "Look again.",
                "request_id": "r-1",
                "errors": [{"pointer": "/dob", "code": "invalid_date", "detail": "No date."}],
            })
        );
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(
            body(&Problem::new(Kind::NotFound)),
            json!({
                "type": "/problems/not-found",
                "title": "Not found",
                "status": 404,
                "request_id": "r-1",
            })
        );
    }

    #[test]
    fn every_kind_has_a_type_of_its_own_and_an_error_status() {
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.parts().1).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let (status, name, title) = kind.parts();
            assert!((400..=503).contains(&status) && !title.is_empty());
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            );
        }
    }

    #[test]
    fn errors_are_bounded() {
        let many = (0..500)
            .map(|n| FieldError::new(format!("/{n}"), "x", "y"))
            .collect();
        assert_eq!(Problem::malformed(many).errors.len(), MAX_ERRORS);
    }
}
