//! Headers that work alike everywhere: negotiation of media types, CORS, request ids, tracing, caching.

use std::cmp::Reverse;
use std::time::Duration;

use http::Method;

use crate::problem::{Kind, Problem};
use crate::random;
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;

/// The media type that the client likes best of those that there are, `known`, our own favourite first.
///
/// # Errors
///
/// 406 when it accepts none of them.
pub fn accepts(request: &Request, known: &[&'static str]) -> Result<&'static str, Problem> {
    let header = request.list("accept").filter(|header| !header.trim().is_empty());
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
            // Among those of equal weight, the one that the client names most precisely, then first.
            (weight > 0).then_some((*media, (weight, precision, Reverse(place), Reverse(index))))
        })
        .max_by_key(|(_, rank)| *rank)
        .map(|(media, _)| media)
        .ok_or_else(|| {
            Problem::new(Kind::NotAcceptable).detail(format!("There is: {}.", known.join(", ")))
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
    /// None for what isn't a range: it accepts nothing.
    fn parse(text: &'a str) -> Option<Range<'a>> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim_end().eq_ignore_ascii_case("q"))
            .map_or(Some(1000), |(_, value)| thousandths(value.trim_start()))?;
        Some(Range { kind, subkind, weight })
    }

    /// How precisely the range names the media type: 2 for it alone; none when it doesn't match.
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

/// A weight (RFC 9110, section 12.4.2): 0 to 1 with at most three decimals.
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
        && [trace, parent].iter().all(|id| id.bytes().any(|byte| byte != b'0'));
    // The last half of a UUID of version 7 is random, which is all that a span's id needs.
    sound.then(|| {
        let span = random::id().simple().to_string();
        format!("00-{trace}-{}-{flags}", &span[16..])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{request, settings, settings_with};

    const BOTH: &[&str] = &["application/json", "text/csv"];

    fn accepted(header: &str) -> Option<&'static str> {
        accepts(&request(Method::GET, "/").with("accept", header), BOTH).ok()
    }

    #[test]
    fn without_a_wish_the_first_is_answered() {
        assert_eq!(accepts(&request(Method::GET, "/"), BOTH).unwrap(), "application/json");
        assert_eq!(accepted(""), Some("application/json"));
        assert_eq!(accepted("*/*"), Some("application/json"));
    }

    #[test]
    fn the_weight_decides_then_precision_then_order() {
        for (header, expected) in [
            ("text/csv", Some("text/csv")),
            ("TEXT/CSV", Some("text/csv")),
            ("text/*", Some("text/csv")),
            ("text/csv;q=0.5, application/json;q=0.4", Some("text/csv")),
            ("text/csv;q=0.4, application/json;q=0.5", Some("application/json")),
            ("text/csv, application/json", Some("text/csv")),
            ("*/*, text/csv", Some("text/csv")),
            ("*/*;q=0.9, text/csv;q=0.8", Some("application/json")),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some("application/json")),
            ("application/json;q=0, */*", Some("text/csv")),
            ("text/csv;q=0, text/*, application/json;q=0.1", Some("application/json")),
            ("text/csv; charset=utf-8; Q=1.000", Some("text/csv")),
            ("application/xml", None),
            ("application/json;q=0", None),
            ("application/json;q=0.000", None),
            ("application", None),
            ("*", None),
            ("application/json;q=2", None),
            ("application/json;q=-1", None),
            ("application/json;q=nan", None),
            ("application/json;q=0.12345", None),
            ("application/json;q=", None),
        ] {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn accept_may_stand_on_several_lines() {
        let two = request(Method::GET, "/")
            .with("accept", "text/html")
            .with("accept", "text/csv");
        assert_eq!(accepts(&two, BOTH).unwrap(), "text/csv");
    }

    #[test]
    fn what_is_not_acceptable_says_what_there_is() {
        let problem = accepts(&request(Method::GET, "/").with("accept", "a/b"), BOTH).unwrap_err();
        assert_eq!(problem.kind, Kind::NotAcceptable);
        assert_eq!(problem.detail.as_deref(), Some("There is: application/json, text/csv."));
    }

    #[test]
    fn a_sane_request_id_is_kept_and_another_one_replaced() {
        let id = |value: &str| request_id(&request(Method::GET, "/").with("x-request-id", value));
        for sane in ["a", "0190163d-8694", "A_b.c:d", &"x".repeat(100)] {
            assert_eq!(id(sane), sane);
        }
        for other in ["", "a b", "a\"b", "é", "<script>", &"x".repeat(101)] {
            assert_eq!(uuid::Uuid::try_parse(&id(other)).unwrap().get_version_num(), 7);
        }
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_our_own() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ours = continued_trace(given).unwrap();
        assert_eq!(ours.len(), given.len());
        assert_eq!(ours[..36], given[..36]);
        assert_eq!(ours[52..], given[52..]);
        assert_ne!(ours[36..52], given[36..52]);
        for broken in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(continued_trace(broken), None, "{broken}");
        }
    }

    fn completed(settings: &Settings, request: &Request, mut response: Response) -> Response {
        let total = Duration::from_micros(12_345);
        complete(&mut response, settings, request, "r-1".to_owned(), 1_002, total);
        response
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        let found = response.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_answer_has_the_common_headers() {
        let given = request(Method::GET, "/");
        let response = completed(&settings(), &given, Response::json(200, "{}"));
        for (name, value) in [
            ("content-length", "2"),
            ("x-request-id", "r-1"),
            ("server-timing", "db;dur=1.002, total;dur=12.345"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{name}");
        }
        assert_eq!(header(&response, "access-control-allow-origin"), None);
        assert_eq!(header(&response, "vary"), None);
        let public = Response::json(200, "{}").header("cache-control", "public");
        let response = completed(&settings(), &given, public);
        assert_eq!(header(&response, "cache-control"), Some("public"));
    }

    #[test]
    fn an_answer_without_content_has_no_length() {
        for status in [204, 304] {
            let response = completed(
                &settings(),
                &request(Method::GET, "/"),
                Response::empty(status).header("etag", "\"1\""),
            );
            assert_eq!(header(&response, "content-length"), None);
            assert_eq!(header(&response, "etag"), Some("\"1\""));
        }
    }

    #[test]
    fn a_browser_is_let_in_from_allowed_origins_only() {
        let settings = settings_with(&[("allowed_origins", "https://a.example, https://b.example")]);
        let from = |origin: &str| request(Method::OPTIONS, "/").with("origin", origin);
        let answer = |origin: &str| {
            let given = from(origin);
            let response = options(&settings, &given, "GET, HEAD, OPTIONS".to_owned());
            completed(&settings, &given, response)
        };
        let response = answer("https://b.example");
        for (name, value) in [
            ("access-control-allow-origin", "https://b.example"),
            ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
            ("access-control-max-age", "600"),
            ("allow", "GET, HEAD, OPTIONS"),
            ("vary", "origin"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{name}");
        }
        let allowed = header(&response, "access-control-allow-headers").unwrap();
        assert!(["authorization", "if-match", "idempotency-key"].iter().all(|name| allowed.contains(name)));
        for origin in ["https://c.example", "https://a.example.evil", "http://a.example", "null"] {
            let response = answer(origin);
            assert!(
                response.headers.iter().all(|(name, _)| !name.starts_with("access-control")),
                "{origin}"
            );
            assert_eq!(header(&response, "vary"), Some("origin"));
        }
        let none = options(&crate::fixture::settings(), &from("https://a.example"), String::new());
        assert!(none.headers.iter().all(|(name, _)| !name.starts_with("access-control")));
    }

    proptest! {
        #[test]
        fn any_accept_is_read_without_a_crash(header in "([a-z*/]{0,12}(;q=[0-9.]{0,6})?,? ?){0,4}") {
            if let Some(media) = accepted(&header) {
                prop_assert!(BOTH.contains(&media));
            }
        }

        #[test]
        fn a_weight_is_read_as_it_is_written(weight in 0_u16..=1000) {
            let text = format!("{}.{:03}", weight / 1000, weight % 1000);
            prop_assert_eq!(thousandths(&text), Some(weight));
        }
    }
}
