//! Tests of bodies: the accepted ones, and endpoints without one. Imported files are in `imports`.

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::pipeline;

#[test]
fn a_body_must_be_of_a_media_type_that_is_taken() {
    for media in [
        "text/plain",
        "application/jsonx",
        "application/merge-patch+json",
        "text/csv",
    ] {
        let request = admin(Method::POST, "/v1/lamps").body(media, r#"{"name":"A"}"#);
        assert_eq!(refusal(request).0, 415, "{media}");
    }
    let mut bare = admin(Method::POST, "/v1/lamps");
    bare.body = b"{}".to_vec();
    assert_eq!(refusal(bare).0, 415);
    let charset =
        admin(Method::POST, "/v1/lamps").body("Application/JSON; charset=utf-8", r#"{"name":"A"}"#);
    assert_eq!(call(charset).2["input"], json!({"name": "A"}));
    let file = admin(Method::POST, "/v1/lamps/import").body("application/json", "{}");
    assert_eq!(refusal(file).0, 415);
}

#[test]
fn a_body_is_refused_before_the_database_is_asked() {
    let post = |text: &str| admin(Method::POST, "/v1/lamps").body("application/json", text);
    assert_eq!(refusal(post("{")).0, 400);
    assert_eq!(refusal(post("[]")).0, 400);
    let (status, body) = refusal(post(r#"{"name":"A","colour":"red"}"#));
    assert_eq!(
        (status, errors(&body)),
        (422, vec![("/colour", "unknown_field")])
    );
    let settings = settings();
    let forbidden = request(Method::PATCH, &format!("/v1/lamps/{ID}"))
        .signed_in(&settings, role::KEEPER)
        .body("application/json", r#"{"watts":5}"#);
    assert_eq!(refusal(forbidden).0, 403);
}

#[test]
fn a_body_where_none_is_taken_is_not_ignored() {
    for target in [
        format!("/v1/lamps/{ID}/restore"),
        format!("/v1/lamps/{ID}/switch"),
    ] {
        let with = |text: &str| admin(Method::POST, &target).body("application/json", text);
        let (status, body) = refusal(with(r#"{"force":true}"#));
        assert_eq!(
            (status, errors(&body)),
            (422, vec![("/force", "unknown_field")])
        );
        assert_eq!(refusal(with("x")).0, 400);
        call(with("{}"));
        call(admin(Method::POST, &target));
    }
}

#[test]
fn a_refused_body_is_answered_like_any_other_problem() {
    let problem = Problem::new(Kind::TooLarge);
    let given = request(Method::POST, "/v1/lamps").with("x-request-id", "r-7");
    let response = pipeline::respond("tests", &[], &given, || Err(problem));
    assert_eq!(response.status, 413);
    assert_eq!(header(&response, "x-request-id"), Some("r-7"));
    assert_eq!(
        header(&response, "content-type"),
        Some("application/problem+json")
    );
    assert_eq!(header(&response, "connection"), None);
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["request_id"], "r-7");
}
