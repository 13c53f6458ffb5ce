//! Headers that work alike everywhere: negotiation of media types, CORS, request ids, tracing, caching.

use std::time::Duration;

use http::Method;

use crate::problem::{FieldError, Kind, Problem};
use crate::random;
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;

/// The first of the media types that the client accepts.
///
/// # Errors
///
/// 406 when it accepts none of them.
pub fn accepts(request: &Request, media: &[&'static str]) -> Result<&'static str, Problem> {
    let first = media.first().copied().unwrap_or_default();
    let Some(header) = request.header("accept") else {
        return Ok(first);
    };
    let mut best: Option<(&'static str, f32)> = None;
    for part in header.split(',') {
        let mut parameters = part.split(';').map(str::trim);
        let range = parameters.next().unwrap_or_default();
        let weight = parameters
            .find_map(|parameter| parameter.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        let found = media.iter().find(|known| {
            range == "*/*"
                || range.eq_ignore_ascii_case(known)
                || range
                    .strip_suffix("/*")
                    .is_some_and(|kind| known.split('/').next() == Some(kind))
        });
        if let Some(found) = found
            && weight > best.map_or(0.0, |(_, weight)| weight)
        {
            best = Some((found, weight));
        }
    }
    best.map(|(found, _)| found).ok_or_else(|| {
        Problem::new(Kind::NotAcceptable).detail(format!("There is: {}.", media.join(", ")))
    })
}

/// Refuses a body of another media type.
///
/// # Errors
///
/// 415.
pub fn content_type(request: &Request, media: &[&str]) -> Result<(), Problem> {
    let given = request
        .header("content-type")
        .and_then(|header| header.split(';').next())
        .map(str::trim)
        .unwrap_or_default();
    if media.iter().any(|known| given.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Problem::new(Kind::UnsupportedMediaType)
            .detail(format!("Send Content-Type: {}.", media.join(" or "))))
    }
}

/// `dry_run=true` of an import.
///
/// # Errors
///
/// 400 for any other parameter or value.
pub fn dry_run(request: &Request) -> Result<bool, Problem> {
    let mut result = false;
    for pair in request.parameters() {
        match pair.as_ref().map(|(name, value)| (name.as_str(), value.as_str())) {
            Some(("dry_run", "true")) => result = true,
            Some(("dry_run", "false")) => result = false,
            _ => {
                return Err(Problem::malformed(vec![FieldError::new(
                    "?",
                    "unknown_parameter",
                    "The only parameter is dry_run, true or false.",
                )]));
            }
        }
    }
    Ok(result)
}

/// The client's `X-Request-Id` when it is a sane one, or a new one.
pub fn request_id(request: &Request) -> String {
    request
        .header("x-request-id")
        .filter(|id| (1..=100).contains(&id.len()))
        .filter(|id| {
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        })
        .map_or_else(|| random::id().to_string(), str::to_owned)
}

/// The answer to `OPTIONS`, a browser's preflight included.
pub fn options(settings: &Settings, request: &Request, allow: String) -> Response {
    let response = Response::empty(204);
    let response = if allowed_origin(settings, request).is_some() {
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

fn allowed_origin<'a>(settings: &Settings, request: &'a Request) -> Option<&'a str> {
    let origin = request.header("origin")?;
    settings
        .allowed_origins
        .iter()
        .any(|allowed| allowed == origin)
        .then_some(origin)
}

/// Adds what every answer has, and takes the body off the answer to `HEAD`.
pub fn complete(
    response: &mut Response,
    settings: &Settings,
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
    if let Some(origin) = allowed_origin(settings, request) {
        headers.push(("access-control-allow-origin", origin.to_owned()));
        headers.push((
            "access-control-expose-headers",
            "etag, link, location, retry-after, x-request-id, idempotency-replayed".to_owned(),
        ));
    }
    if !settings.allowed_origins.is_empty() {
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

/// The client's trace with a span of our own (W3C Trace Context); none when the header isn't well-formed.
fn continued_trace(header: &str) -> Option<String> {
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
        && trace.bytes().any(|byte| byte != b'0');
    // The last half of a UUID of version 7 is random, which is all that a span's id needs.
    sound.then(|| {
        let span = random::id().simple().to_string();
        format!("00-{trace}-{}-{flags}", &span[16..])
    })
}
