//! The error of one value: of a field of a body, a parameter of a query, a header or a cell of a
//! file. The problem that contains such errors is in `http::problem`.

use serde::Serialize;

/// The maximum number of errors in one response.
pub const MAX_ERRORS: usize = 100;

/// The maximum number of characters of a client's own field or parameter name that are returned.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// The code and the sentence that describe the error of a value, without its position.
pub type ValueError = (&'static str, String);

/// The error of one field of a body, or of one parameter of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The JSON pointer (RFC 6901) into the body, the parameter's name after `?`, or a header's
    /// name.
    pub pointer: String,
    /// A stable code for programs.
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
}

impl FieldError {
    /// Creates an error at the pointer.
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

    /// Creates the error of a parameter; its name is shortened, so that a response stays small.
    pub fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
        let name: String = name.chars().take(MAX_NAME_CHARACTERS).collect();
        FieldError::new(format!("?{name}"), code, detail)
    }

    /// Creates the error of a header.
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
