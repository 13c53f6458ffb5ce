//! Problem details (RFC 9457): the form of every refusal and failure. The conversion of database
//! errors into problems is in `sql::sqlstate`.

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
    /// The role may not perform the operation.
    Forbidden,
    /// The resource does not exist, or is not visible to the caller.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The client accepts none of the representations.
    NotAcceptable,
    /// The body did not arrive in time.
    TooSlow,
    /// The request conflicts with stored data.
    Conflict,
    /// `If-Match` names another version.
    Stale,
    /// The body is too large.
    TooLarge,
    /// The media type of the body is not supported.
    UnsupportedMediaType,
    /// The token is for another region.
    WrongRegion,
    /// The request was parsed but is not valid.
    Invalid,
    /// The idempotency key was used for another request.
    KeyReused,
    /// A header such as `If-Match` is required.
    PreconditionRequired,
    /// There were too many attempts.
    TooManyRequests,
    /// An internal error occurred.
    Internal,
    /// The database cannot be reached, or this cell cannot serve.
    Unavailable,
}

impl Kind {
    /// All kinds, for the reference.
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

    /// Returns the HTTP status, the `type` after `/problems/`, and the title.
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
    /// The kind.
    pub kind: Kind,
    /// One sentence for people about this occurrence, without internals.
    pub detail: Option<String>,
    /// The errors of single fields.
    pub errors: Vec<FieldError>,
    /// Headers of the response, such as `Retry-After` or `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// One line for the operator, which is logged and never sent to the client.
    pub cause: Option<String>,
}

/// The body of the response.
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
    /// Creates a problem of the kind, with its title only.
    pub fn new(kind: Kind) -> Problem {
        Problem {
            kind,
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// Describes what happened and what to do.
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }

    /// Creates the problem for internal JSON, such as a result of the database, that does not have
    /// the agreed form. Only the position of the error is logged, because its own text quotes the
    /// content, which may be personal data.
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

    /// Creates a problem of the kind with errors of single fields, of which only the first are kept
    /// if there are many.
    pub fn with(kind: Kind, mut errors: Vec<FieldError>) -> Problem {
        errors.truncate(MAX_ERRORS);
        Problem {
            errors,
            ..Problem::new(kind)
        }
    }

    /// Creates the problem for input that was parsed but is not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        Problem::with(Kind::Invalid, errors)
    }

    /// Creates the problem for a malformed query or header, or for unknown parameters.
    pub fn malformed(errors: Vec<FieldError>) -> Problem {
        Problem::with(Kind::Malformed, errors)
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.parts().0
    }

    /// Returns the body as JSON text.
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
        // `json!` panics only on values that cannot be serialised, which texts and numbers always
        // can.
        json!(body).to_string()
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Problem {
        Problem::new(Kind::Internal).cause(format!("no randomness: {error}"))
    }
}

/// Creates the problem that names the base URL at which the tenant is served.
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
    fn absent_members_are_left_out() {
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
