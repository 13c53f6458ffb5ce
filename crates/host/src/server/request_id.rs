//! The ids of requests: the client's own, or new ones. The components have the same rule in
//! `platform::http::headers`.

use http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header with the id of a request.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the client's `X-Request-Id` if it is valid, or else a new id.
pub(crate) fn from_client(given: Option<&HeaderValue>) -> String {
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
    use super::*;

    #[test]
    fn a_valid_request_id_of_the_client_is_kept() -> anyhow::Result<()> {
        let valid = HeaderValue::from_static("a-b_c.d:1");
        assert_eq!(from_client(Some(&valid)), "a-b_c.d:1");
        for invalid in ["", "a b", "<x>", &"a".repeat(101)] {
            let invalid = HeaderValue::from_str(invalid)?;
            assert!(
                Uuid::parse_str(&from_client(Some(&invalid))).is_ok(),
                "{invalid:?}"
            );
        }
        assert!(Uuid::parse_str(&from_client(None)).is_ok());
        Ok(())
    }
}
