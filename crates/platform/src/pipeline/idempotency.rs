//! `Idempotency-Key`: a POST that is repeated with the same key is performed once and answered
//! alike. The responses are stored by the database (`lms.run`).

use crate::auth::token::Keys;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::values::field_error::FieldError;

/// The maximum length of a key.
const MAX_KEY_BYTES: usize = 255;

/// Returns the idempotency key of the request, if it has one.
///
/// # Errors
///
/// 400 when the key is empty, too long or not of visible ASCII characters; 428 when it is required
/// and missing.
pub(crate) fn key(request: &Request, is_required: bool) -> Result<Option<&str>, Problem> {
    let Some(value) = request.headers.get("idempotency-key") else {
        if is_required {
            return Err(Problem::new(Kind::PreconditionRequired)
                .detail("Send an `Idempotency-Key` header with every write to this resource."));
        }
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()))
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(Some)
        .ok_or_else(|| {
            Problem::malformed(vec![FieldError::header(
                "Idempotency-Key",
                "Must be 1 to 255 visible ASCII characters.",
            )])
        })
}

/// Returns a hash of the request, so that a key cannot be used again for another one. `content` is
/// its body, or the hash of a file.
///
/// The hash is stored in the database, and bodies contain passwords. It needs the signing key, so
/// that a reader of the database cannot guess them.
///
/// # Errors
///
/// When there is no signing key, which is an internal error.
pub(crate) fn fingerprint(
    request: &Request,
    content: &[u8],
    keys: &Keys,
) -> Result<String, Problem> {
    let query = request.query.as_deref().unwrap_or_default();
    keys.keyed_hash(&[
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        query.as_bytes(),
        content,
    ])
    .map_err(|cause| Problem::new(Kind::Internal).cause(cause))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::fixture::{request, settings, settings_with};

    fn with(value: &str) -> Request {
        request(Method::POST, "/v1/lamps").with("idempotency-key", value)
    }

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        assert_eq!(key(&request(Method::POST, "/"), false).unwrap(), None);
        let problem = key(&request(Method::POST, "/"), true).unwrap_err();
        assert_eq!(problem.kind, Kind::PreconditionRequired);
        let longest = "k".repeat(255);
        for sane in ["k", "0190163d-8694-739b-aea5-966c26f8ad90", "!~", &longest] {
            assert_eq!(key(&with(sane), true).unwrap(), Some(sane));
        }
        for other in ["", "a b", "a\tb", "é", &"k".repeat(256)] {
            let problem = key(&with(other), false).unwrap_err();
            assert_eq!(problem.kind, Kind::Malformed, "{other}");
            assert_eq!(problem.errors[0].pointer, "Idempotency-Key");
        }
    }

    #[test]
    fn the_fingerprint_is_of_all_that_is_asked_for() {
        let keys = settings().keys;
        let of = |request: &Request| fingerprint(request, &request.body, &keys).unwrap();
        let given = || request(Method::POST, "/v1/lamps?a=b").body("application/json", "{}");
        let same = of(&given());
        assert_eq!(same.len(), 64);
        assert_eq!(
            of(&given()
                .with("idempotency-key", "other")
                .with("x-request-id", "r")),
            same
        );
        let mut others = [given(), given(), given(), given(), given()];
        others[0].method = Method::PUT;
        others[1].path.push('x');
        others[2].query = None;
        others[3].body.push(b' ');
        // A text that moves from the query to the path makes another request.
        others[4].path = "/v1/lamps\0a=b".to_owned();
        others[4].query = None;
        for other in &others {
            assert_ne!(of(other), same);
        }
    }

    #[test]
    fn the_fingerprint_takes_the_signing_key() {
        let given = request(Method::POST, "/v1/lamps");
        let other = settings_with(&[(
            "signing_keys",
            "two:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI",
        )]);
        assert_ne!(
            fingerprint(&given, b"", &settings().keys).unwrap(),
            fingerprint(&given, b"", &other.keys).unwrap()
        );
    }
}
