//! The error of one value: of a body's field, a query's parameter, a header or a cell of a file.
//!
//! The answer that carries such errors is a problem (`http::problem`).

use serde::Serialize;

/// Most errors of one answer.
pub const MAX_ERRORS: usize = 100;

/// Most characters of a client's own name for a field or parameter that are answered.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// What went wrong with one field of a body, or one parameter of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, the parameter's name behind `?`, or a header's name.
    pub pointer: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl FieldError {
    /// An error at the pointer.
    pub fn new(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> FieldError {
        FieldError {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        }
    }

    /// An error of a query's parameter; its name is cut, so that an answer stays small.
    pub fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
        let name: String = name.chars().take(MAX_NAME_CHARACTERS).collect();
        FieldError::new(format!("?{name}"), code, detail)
    }

    /// An error of a request's header.
    pub fn header(name: &'static str, detail: impl Into<String>) -> FieldError {
        FieldError::new(name, "invalid_header", detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        let error = FieldError::parameter(&"é".repeat(500), "x", "y");
        assert_eq!(
            error.pointer,
            format!("?{}", "é".repeat(MAX_NAME_CHARACTERS))
        );
    }
}
