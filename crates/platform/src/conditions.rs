//! Conditional requests (RFC 9110, section 13): `ETag`, `If-Match`, `If-None-Match`.
//!
//! A resource's version is a number that grows by one with each change. What a role sees of it may
//! differ, so the tag names the role's view too: it is strong, byte for byte.

use crate::policy::Fields;
use crate::problem::{FieldError, Kind, Problem};
use crate::request::Request;

/// The strong tag of a version as seen through the fields.
pub fn etag(version: &str, reads: Fields) -> String {
    match reads {
        Fields::Only(names) => {
            // Which view it is, in short: enough to tell the views of one resource apart.
            let view = names
                .iter()
                .flat_map(|name| name.bytes())
                .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
            format!("\"{version}-{view:x}\"")
        }
        _ => format!("\"{version}\""),
    }
}

/// The version that `If-Match` names: none without the header or with `*`.
///
/// # Errors
///
/// 400 for what isn't an entity tag, 412 for a weak tag, several tags or one that never was ours,
/// 428 when it is required and missing.
pub fn expected_version(request: &Request, required: bool) -> Result<Option<i64>, Problem> {
    let Some(header) = request.headers.get("if-match") else {
        return if required {
            Err(Problem::new(Kind::PreconditionRequired)
                .detail("Send If-Match with the ETag of the version that you change."))
        } else {
            Ok(None)
        };
    };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(tag) => {
            let version = tag.split_once('-').map_or(tag, |(version, _)| version);
            version.parse().map(Some).map_err(|_| stale())
        }
        None if text.starts_with("W/\"") => Err(stale()),
        None => Err(Problem {
            errors: vec![FieldError::new(
                "If-Match",
                "invalid_header",
                "This takes an ETag in double quotes, or *.",
            )],
            ..Problem::new(Kind::Malformed)
        }),
    }
}

fn stale() -> Problem {
    Problem::new(Kind::Stale).detail("Read it again and repeat the change with the new ETag.")
}

/// Whether `If-None-Match` names the tag: then the answer is 304.
pub fn not_modified(request: &Request, etag: &str) -> bool {
    request.header("if-none-match").is_some_and(|header| {
        header
            .split(',')
            .map(str::trim)
            // The comparison for this header is weak (RFC 9110, section 13.1.2).
            .map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
            .any(|tag| tag == "*" || tag == etag)
    })
}
