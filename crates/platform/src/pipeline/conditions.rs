//! Conditional requests (RFC 9110, section 13): `ETag`, `If-Match`, `If-None-Match`. Versions are
//! compared and increased by the SQL of `declare::statements::single_row`.
//!
//! The version of a resource is a number that grows by one with each change. Roles may see
//! different fields of it, so the entity tag names the role's view too. A change is compared by the
//! version alone, because a client that read this version through any view knows that nothing has
//! changed since.

use http::Method;

use crate::auth::policy::{Fields, Grant};
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::values::field_error::FieldError;

/// Returns the strong entity tag of a version in the view of the grant. Without a grant, all fields
/// are shown.
pub fn etag(version: &str, grant: Option<&Grant>) -> String {
    let reads = grant.map_or(Fields::All, |grant| grant.reads);
    let shared_fields = grant.and_then(|grant| grant.shared_fields);
    let limits = match reads {
        Fields::Only(names) => [names, shared_fields.unwrap_or_default()],
        Fields::None | Fields::All => [&[], shared_fields.unwrap_or_default()],
    };
    let mut names = limits.into_iter().flatten().peekable();
    if names.peek().is_none() {
        return format!("\"{version}\"");
    }
    // A short hash of the view is enough to distinguish the views of one resource.
    let view = names
        .flat_map(|name| name.bytes().chain([b',']))
        .fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
    format!("\"{version}-{view:x}\"")
}

/// Returns the versions that `If-Match` names, or none without the header or with `*`.
///
/// # Errors
///
/// 400 for a value that is not a list of entity tags; 412 when none of them can be the tag of a
/// version, which includes weak ones; 428 when the header is required and missing.
pub fn expected_versions(request: &Request, required: bool) -> Result<Option<Vec<i64>>, Problem> {
    let Some(header) = request.list("if-match") else {
        return if required {
            Err(Problem::new(Kind::PreconditionRequired).detail(
                "Send an `If-Match` header with the ETag of the version that you are changing.",
            ))
        } else {
            Ok(None)
        };
    };
    if header.trim() == "*" {
        return Ok(None);
    }
    let tags = tags(&header).ok_or_else(|| {
        Problem::malformed(vec![FieldError::header(
            "If-Match",
            "Must be an ETag in double quotes, or `*`.",
        )])
    })?;
    // The comparison for this header is strong (RFC 9110, section 13.1.1), so a weak tag equals
    // none.
    let versions: Vec<i64> = tags
        .into_iter()
        .filter(|tag| !tag.is_weak)
        .filter_map(|tag| version(tag.text))
        .collect();
    if versions.is_empty() {
        return Err(Problem::new(Kind::Stale)
            .detail("Get the resource again and repeat the change with its new ETag."));
    }
    Ok(Some(versions))
}

/// Returns the version in an entity tag, or none if the tag has another form.
fn version(tag: &str) -> Option<i64> {
    let digits = tag.split_once('-').map_or(tag, |(version, _)| version);
    let version: i64 = digits.parse().ok()?;
    // Each version has one text: no sign and no leading zero.
    (version.to_string() == digits).then_some(version)
}

/// Adds the entity tag to the response: 304 without a body if a reading client already has that
/// version.
pub fn tagged(request: &Request, response: Response, etag: String) -> Response {
    let reads = request.method == Method::GET || request.method == Method::HEAD;
    let response = if reads && not_modified(request, &etag) {
        Response::empty(304)
    } else {
        response
    };
    response.header("etag", etag)
}

/// Returns true if `If-None-Match` names the tag.
pub fn not_modified(request: &Request, etag: &str) -> bool {
    request.list("if-none-match").is_some_and(|header| {
        // The comparison for this header is weak (RFC 9110, section 13.1.2).
        header.trim() == "*"
            || tags(&header).is_some_and(|tags| {
                tags.iter().any(|tag| {
                    etag.strip_prefix('"')
                        .and_then(|rest| rest.strip_suffix('"'))
                        == Some(tag.text)
                })
            })
    })
}

/// An entity tag (RFC 9110, section 8.8.3).
struct Tag<'a> {
    is_weak: bool,
    /// The text between its quotes.
    text: &'a str,
}

/// Parses a list of entity tags; none if the header is not one.
fn tags(header: &str) -> Option<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = header.trim();
    while !rest.is_empty() {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (text, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { is_weak, text });
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if behind.is_empty() => behind,
            None => return None,
        };
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::fixture::role;

    fn request(name: &'static str, lines: &[&str]) -> Request {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        Request {
            method: Method::PATCH,
            path: "/".to_owned(),
            query: None,
            headers,
            body: Vec::new(),
        }
    }

    fn expected(line: &str) -> Result<Option<Vec<i64>>, Kind> {
        expected_versions(&request("if-match", &[line]), false).map_err(|problem| problem.kind)
    }

    #[test]
    fn the_tag_names_the_view() {
        let all = Grant::new(role::ADMIN, &[]);
        let few = Grant::new(role::KEEPER, &[]).reading(&["name", "role"]);
        let others = Grant::new(role::KEEPER, &[]).shared_fields(&["name"]);
        assert_eq!(etag("7", Some(&all)), "\"7\"");
        let tags = [
            etag("7", Some(&all)),
            etag("7", Some(&few)),
            etag("7", Some(&others)),
        ];
        for (index, tag) in tags.iter().enumerate() {
            assert_eq!(version(tag.trim_matches('"')), Some(7));
            assert!(
                tags[index + 1..].iter().all(|other| other != tag),
                "{tags:?}"
            );
        }
        assert_ne!(etag("8", Some(&few)), etag("7", Some(&few)));
    }

    #[test]
    fn any_of_the_tags_may_be_the_one() {
        assert_eq!(expected("\"3\""), Ok(Some(vec![3])));
        assert_eq!(expected(" \"3-1f\" , W/\"4\" ,\"5\""), Ok(Some(vec![3, 5])));
        assert_eq!(expected("\"other\", \"9\""), Ok(Some(vec![9])));
        let lines = request("if-match", &["\"1\"", "\"2\""]);
        assert_eq!(expected_versions(&lines, true).unwrap(), Some(vec![1, 2]));
    }

    #[test]
    fn a_star_asks_for_no_version_but_satisfies_the_requirement() {
        assert_eq!(expected("*"), Ok(None));
        assert_eq!(
            expected_versions(&request("if-match", &["*"]), true).unwrap(),
            None
        );
    }

    #[test]
    fn a_tag_that_was_never_issued_is_stale() {
        for line in [
            "W/\"3\"",
            "\"\"",
            "\"abc\"",
            "\"+3\"",
            "\"03\"",
            "\"-3\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(expected(line), Err(Kind::Stale), "{line}");
        }
    }

    #[test]
    fn a_header_that_is_not_a_list_of_tags_is_malformed() {
        for line in [
            "3",
            "\"3",
            "3\"",
            "\"3\" \"4\"",
            "\"3\"x",
            "*, \"3\"",
            "w/\"3\"",
            "",
            ",",
        ] {
            assert_eq!(expected(line), Err(Kind::Malformed), "{line}");
        }
        let mut broken = request("if-match", &[]);
        broken
            .headers
            .insert("if-match", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(
            expected_versions(&broken, true).unwrap_err().kind,
            Kind::Malformed
        );
    }

    #[test]
    fn the_header_may_be_required() {
        let none = request("if-match", &[]);
        assert_eq!(expected_versions(&none, false).unwrap(), None);
        assert_eq!(
            expected_versions(&none, true).unwrap_err().kind,
            Kind::PreconditionRequired
        );
    }

    #[test]
    fn a_known_tag_is_not_modified_in_weak_comparison() {
        for line in ["\"3\"", "W/\"3\"", "\"2\", \"3\"", "*", "\"a,b\", \"3\""] {
            assert!(
                not_modified(&request("if-none-match", &[line]), "\"3\""),
                "{line}"
            );
        }
        for line in ["\"2\"", "3", "\"3-1\"", ""] {
            assert!(
                !not_modified(&request("if-none-match", &[line]), "\"3\""),
                "{line}"
            );
        }
        assert!(!not_modified(&request("if-none-match", &[]), "\"3\""));
        assert!(not_modified(
            &request("if-none-match", &["\"2\"", "\"3\""]),
            "\"3\""
        ));
    }
}
