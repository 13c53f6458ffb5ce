//! `Idempotency-Key`: a POST that is repeated with the same key is done once and answered alike.

use sha2::{Digest, Sha256};

use crate::problem::{FieldError, Problem};
use crate::random::hex;
use crate::request::Request;

/// Most characters of a key.
const LONGEST_KEY: usize = 255;

/// The request's key, if it has one.
///
/// # Errors
///
/// 400 when the key is empty, too long or not of visible ASCII characters.
pub fn key(request: &Request) -> Result<Option<&str>, Problem> {
    let Some(value) = request.headers.get("idempotency-key") else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(Some)
        .ok_or_else(|| {
            Problem::malformed(vec![FieldError::header(
                "Idempotency-Key",
                "This takes 1 to 255 visible ASCII characters.",
            )])
        })
}

/// A hash of what the request asks for, so that a key can't be used again for something else.
pub fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    for part in [
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
        request.query.as_deref().unwrap_or_default().as_bytes(),
    ] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(&request.body);
    hex(&hash.finalize())
}
