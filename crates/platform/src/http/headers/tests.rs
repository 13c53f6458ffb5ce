//! Tests of headers. Conditional headers are tested in `pipeline::conditions`.

use proptest::prelude::*;

use super::*;
use crate::fixture::{request, settings, settings_with};
use crate::settings::Settings;

const BOTH: &[&str] = &["application/json", "text/csv"];

fn accepted(header: &str) -> Option<&'static str> {
    negotiate(&request(Method::GET, "/").with("accept", header), BOTH).ok()
}

#[test]
fn without_a_wish_the_first_is_answered() {
    assert_eq!(
        negotiate(&request(Method::GET, "/"), BOTH).unwrap(),
        "application/json"
    );
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
        (
            "text/csv;q=0.4, application/json;q=0.5",
            Some("application/json"),
        ),
        ("text/csv, application/json", Some("text/csv")),
        ("*/*, text/csv", Some("text/csv")),
        ("*/*;q=0.9, text/csv;q=0.8", Some("application/json")),
        (
            "text/html, application/xhtml+xml, */*;q=0.8",
            Some("application/json"),
        ),
        ("application/json;q=0, */*", Some("text/csv")),
        (
            "text/csv;q=0, text/*, application/json;q=0.1",
            Some("application/json"),
        ),
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
    assert_eq!(negotiate(&two, BOTH).unwrap(), "text/csv");
}

#[test]
fn a_refused_media_type_lists_the_available_ones() {
    let problem = negotiate(&request(Method::GET, "/").with("accept", "a/b"), BOTH).unwrap_err();
    assert_eq!(problem.kind, Kind::NotAcceptable);
    assert_eq!(
        problem.detail.as_deref(),
        Some("Available media types: application/json, text/csv.")
    );
}

#[test]
fn a_sane_request_id_is_kept_and_another_one_replaced() {
    let id = |value: &str| request_id(&request(Method::GET, "/").with("x-request-id", value));
    for sane in ["a", "0190163d-8694", "A_b.c:d", &"x".repeat(100)] {
        assert_eq!(id(sane), sane);
    }
    for other in ["", "a b", "a\"b", "é", "<script>", &"x".repeat(101)] {
        assert_eq!(
            uuid::Uuid::try_parse(&id(other)).unwrap().get_version_num(),
            7
        );
    }
}

#[test]
fn headers_with_a_single_value_are_given_once() {
    for name in [
        "authorization",
        "content-length",
        "content-type",
        "idempotency-key",
        "x-request-id",
    ] {
        let once = request(Method::GET, "/").with(name, "1");
        check_single(&once).unwrap();
        for other in ["1", "2", ""] {
            let problem = check_single(&once.clone().with(name, other)).unwrap_err();
            assert_eq!(problem.kind, Kind::Malformed);
            assert_eq!(problem.errors.len(), 1);
            assert!(problem.errors[0].pointer.eq_ignore_ascii_case(name));
        }
    }
    // Lists may span several lines.
    let lists = ["accept", "accept-language", "if-match", "if-none-match"]
        .into_iter()
        .fold(request(Method::GET, "/"), |request, name| {
            request.with(name, "\"1\"").with(name, "\"2\"")
        });
    check_single(&lists).unwrap();
}

#[test]
fn of_two_request_ids_none_is_taken() {
    let two = request(Method::GET, "/")
        .with("x-request-id", "a")
        .with("x-request-id", "a");
    assert_ne!(request_id(&two), "a");
}

#[test]
fn a_body_is_in_utf_8() {
    let taken = |header: &str| {
        let given = request(Method::POST, "/").with("content-type", header);
        content_type(&given, BOTH).map_err(|problem| problem.status())
    };
    for sane in [
        "application/json",
        "Application/JSON ;charset=utf-8",
        "text/csv; header=present; Charset=\"UTF-8\"",
        "application/json;",
        "application/json; x",
    ] {
        assert_eq!(taken(sane), Ok(()), "{sane}");
    }
    for other in [
        "application/json; charset=iso-8859-1",
        "text/csv;charset=windows-1252",
        "application/json; charset=",
        "application/json; charset=utf-8; charset=utf-16",
        "application/xml; charset=utf-8",
        "",
    ] {
        assert_eq!(taken(other), Err(415), "{other}");
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
    complete(
        &mut response,
        &settings.allowed_origins,
        request,
        "r-1".to_owned(),
        1_002,
        total,
    );
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
        let response = options(
            &settings.allowed_origins,
            &given,
            "GET, HEAD, OPTIONS".to_owned(),
        );
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
    assert!(
        ["authorization", "if-match", "idempotency-key"]
            .iter()
            .all(|name| allowed.contains(name))
    );
    for origin in [
        "https://c.example",
        "https://a.example.evil",
        "http://a.example",
        "null",
    ] {
        let response = answer(origin);
        assert!(
            response
                .headers
                .iter()
                .all(|(name, _)| !name.starts_with("access-control")),
            "{origin}"
        );
        assert_eq!(header(&response, "vary"), Some("origin"));
    }
    let none = options(&[], &from("https://a.example"), String::new());
    assert!(
        none.headers
            .iter()
            .all(|(name, _)| !name.starts_with("access-control"))
    );
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
