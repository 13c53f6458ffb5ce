//! Headers that work alike for all endpoints: negotiation of media types, CORS, request ids,
//! tracing, caching. Conditional headers are in `pipeline::conditions`.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::time::Duration;

use http::Method;
use uuid::Uuid;

use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::values::field_error::FieldError;
use crate::values::random;

/// Returns the media type that the client prefers among the available ones, `known`, which are in
/// our own order of preference.
///
/// # Errors
///
/// 406 when it accepts none of them.
pub fn negotiate(request: &Request, known: &[&'static str]) -> Result<&'static str, Problem> {
    let header = request
        .list("accept")
        .filter(|header| !header.trim().is_empty());
    let Some(header) = header else {
        return Ok(known.first().copied().unwrap_or_default());
    };
    let ranges: Vec<Range<'_>> = header.split(',').filter_map(Range::parse).collect();
    known
        .iter()
        .enumerate()
        .filter_map(|(index, media)| {
            // The most precise range decides on a media type (RFC 9110, section 12.5.1).
            let (place, precision, weight) = ranges
                .iter()
                .enumerate()
                .filter_map(|(place, range)| Some((place, range.precision(media)?, range.weight)))
                .max_by_key(|(place, precision, _)| (*precision, Reverse(*place)))?;
            // Among media types of equal weight, the one that the client names most precisely wins,
            // then the first.
            (weight > 0).then_some((*media, (weight, precision, Reverse(place), Reverse(index))))
        })
        .max_by_key(|(_, rank)| *rank)
        .map(|(media, _)| media)
        .ok_or_else(|| {
            Problem::new(Kind::NotAcceptable)
                .detail(format!("Available media types: {}.", known.join(", ")))
        })
}

/// An element of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    /// Its `q` in thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    /// Parses an element. An element that is not a range is none, and accepts nothing.
    fn parse(text: &'a str) -> Option<Range<'a>> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim_end().eq_ignore_ascii_case("q"))
            .map_or(Some(1000), |(_, value)| thousandths(value.trim_start()))?;
        Some(Range {
            kind,
            subkind,
            weight,
        })
    }

    /// Returns the precision with which the range names the media type, which is 2 for this type
    /// alone; none if it does not match.
    fn precision(&self, media: &str) -> Option<u8> {
        let (kind, subkind) = media.split_once('/')?;
        match (self.kind, self.subkind) {
            ("*", "*") => Some(0),
            (known, "*") if known.eq_ignore_ascii_case(kind) => Some(1),
            (known, name)
                if known.eq_ignore_ascii_case(kind) && name.eq_ignore_ascii_case(subkind) =>
            {
                Some(2)
            }
            _ => None,
        }
    }
}

/// Parses a weight (RFC 9110, section 12.4.2): 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_sound = ["0", "1"].contains(&whole)
        && decimals.len() <= 3
        && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !is_sound {
        return None;
    }
    let weight: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (weight <= 1000).then_some(weight)
}

/// The headers that have a single value and are not lists.
const SINGLE_VALUE_HEADERS: [&str; 5] = [
    "Authorization",
    "Content-Length",
    "Content-Type",
    "Idempotency-Key",
    "X-Request-Id",
];

/// Refuses a request that has one of these headers twice. The meaning would be ambiguous, and a
/// proxy may have used the other value.
///
/// # Errors
///
/// 400.
pub fn check_single(request: &Request) -> Result<(), Problem> {
    let errors: Vec<FieldError> = SINGLE_VALUE_HEADERS
        .into_iter()
        .filter(|name| !is_single(request, name))
        .map(|name| FieldError::header(name, "The header must be sent only once."))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::malformed(errors))
    }
}

/// Returns true if a header is present at most once.
fn is_single(request: &Request, name: &str) -> bool {
    request.headers.get_all(name).iter().nth(1).is_none()
}

/// Refuses a body of another media type, or in another encoding than UTF-8.
///
/// # Errors
///
/// 415.
pub fn content_type(request: &Request, media: &[&str]) -> Result<(), Problem> {
    let header = request.header("content-type").unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let given = parts.next().unwrap_or_default();
    let mut charsets = parts
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| name.trim_end().eq_ignore_ascii_case("charset"))
        .map(|(_, charset)| charset.trim_start().trim_matches('"'));
    let problem = Problem::new(Kind::UnsupportedMediaType);
    if !media.iter().any(|known| given.eq_ignore_ascii_case(known)) {
        return Err(problem.detail(format!(
            "Send the body with `Content-Type: {}`.",
            media.join(" or ")
        )));
    }
    if charsets.all(|charset| charset.eq_ignore_ascii_case("utf-8")) {
        Ok(())
    } else {
        Err(problem.detail("Send the body in UTF-8."))
    }
}

/// Returns true if the body has a content coding other than `identity`, such as `gzip`.
pub fn has_content_coding(request: &Request) -> bool {
    request.list("content-encoding").is_some_and(|codings| {
        codings
            .split(',')
            .map(str::trim)
            .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
    })
}

/// Returns the client's `X-Request-Id` if it is valid, or a new one.
pub fn request_id(request: &Request) -> String {
    request
        .header("x-request-id")
        .filter(|_| is_single(request, "x-request-id"))
        .filter(|id| (1..=100).contains(&id.len()))
        .filter(|id| {
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        })
        .map_or_else(|| random::id().to_string(), str::to_owned)
}

/// Returns the response to `OPTIONS`, including a browser's preflight.
pub fn options(allowed_origins: &[String], request: &Request, allow: String) -> Response {
    let response = Response::empty(204);
    let response = if allowed_origin(allowed_origins, request).is_some() {
        response
            .header("access-control-allow-methods", allow.clone())
            .header(
                "access-control-allow-headers",
                "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, x-request-id",
            )
            .header("access-control-max-age", "600")
    } else {
        response
    };
    response.header("allow", allow)
}

fn allowed_origin<'a>(allowed_origins: &[String], request: &'a Request) -> Option<&'a str> {
    let origin = request.header("origin")?;
    allowed_origins
        .iter()
        .any(|allowed| allowed == origin)
        .then_some(origin)
}

/// Adds the headers that every response has, and removes the body of the response to `HEAD`.
pub fn complete(
    response: &mut Response,
    allowed_origins: &[String],
    request: &Request,
    request_id: String,
    database_microseconds: u64,
    total: Duration,
) {
    let headers = &mut response.headers;
    headers.push(("content-length", response.body.len().to_string()));
    if let Some(trace) = request.header("traceparent").and_then(continued_trace) {
        headers.push(("traceparent", trace));
    }
    headers.push(("x-request-id", request_id));
    headers.push((
        "server-timing",
        format!(
            "db;dur={}.{:03}, total;dur={}.{:03}",
            database_microseconds / 1000,
            database_microseconds % 1000,
            total.as_micros() / 1000,
            total.as_micros() % 1000
        ),
    ));
    headers.push(("x-content-type-options", "nosniff".to_owned()));
    if !headers.iter().any(|(name, _)| *name == "cache-control") {
        headers.push(("cache-control", "no-store".to_owned()));
    }
    if let Some(origin) = allowed_origin(allowed_origins, request) {
        headers.push(("access-control-allow-origin", origin.to_owned()));
        headers.push((
            "access-control-expose-headers",
            "etag, link, location, retry-after, x-request-id, idempotency-replayed".to_owned(),
        ));
    }
    if !allowed_origins.is_empty() {
        headers.push(("vary", "origin".to_owned()));
    }
    if request.method == Method::HEAD {
        response.body.clear();
    }
    if response.status == 304 || response.status == 204 {
        response
            .headers
            .retain(|(name, _)| *name != "content-length" && *name != "content-type");
        response.body.clear();
    }
}

/// Names the tenant to the host, if that asks for it: the embedded host has it in traces and in the
/// access log, and removes the header. A client that asks another host learns what its token says.
pub fn name_tenant(response: &mut Response, request: &Request, tenant: Uuid) {
    if request.headers.contains_key("want-tenant-id") {
        response.headers.push(("tenant-id", tenant.to_string()));
    }
}

/// Returns the header `traceparent`, if it is well-formed. It is the client's, or that of the host
/// if that records the request.
pub fn traceparent(request: &Request) -> Option<&str> {
    let header = request.header("traceparent")?;
    client_trace(header).map(|_| header)
}

/// Returns the id of the trace that the request belongs to, if its header is well-formed.
pub fn trace_id(request: &Request) -> Option<&str> {
    let (trace, _) = client_trace(request.header("traceparent")?)?;
    Some(trace)
}

/// Returns the client's trace with a new span, or none if the header is not well-formed.
fn continued_trace(header: &str) -> Option<String> {
    let (trace, flags) = client_trace(header)?;
    // The last half of a UUID of version 7 is random, as the id of a span must be.
    let span = random::id().simple().to_string();
    Some(format!("00-{trace}-{}-{flags}", &span[16..]))
}

/// Returns the id and the flags of the client's trace (W3C Trace Context), or none if the header is
/// not well-formed.
fn client_trace(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let sound = version == "00"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && parts.next().is_none()
        && [trace, parent]
            .iter()
            .all(|id| id.bytes().any(|byte| byte != b'0'));
    sound.then_some((trace, flags))
}
