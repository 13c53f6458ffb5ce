//! Tests of idempotency keys and versions that a request must or may name. Bodies are in `bodies`.

use http::Method;
use serde_json::{Value, json};

use super::*;

#[test]
fn an_idempotency_key_goes_along_with_a_post_only() {
    let create = || {
        admin(Method::POST, "/v1/lamps")
            .with("idempotency-key", "k1")
            .body("application/json", r#"{"name":"A"}"#)
    };
    let (context, _, _) = call(create());
    assert_eq!(context["idempotency_key"], "k1");
    let (again, _, _) = call(create());
    assert_eq!(context["fingerprint"], again["fingerprint"]);
    let action =
        admin(Method::POST, &format!("/v1/lamps/{ID}/switch")).with("idempotency-key", "k1");
    let (of_action, _, _) = call(action);
    assert_ne!(of_action["fingerprint"], context["fingerprint"]);
    assert_eq!(of_action["idempotency_key"], "k1");
    let (read, _, _) = call(admin(Method::GET, "/v1/lamps").with("idempotency-key", "k1"));
    assert_eq!(read.get("idempotency_key"), None);
}

#[test]
fn a_key_is_not_kept_for_an_action_of_several_statements() {
    let ask = admin(Method::POST, "/v1/ask")
        .with("idempotency-key", "k1")
        .body("application/json", r#"{"question":"Why"}"#);
    let (context, _, arguments) = call(ask);
    assert_eq!(context.get("idempotency_key"), None);
    assert_eq!(context.get("fingerprint"), None);
    assert_eq!(arguments, json!({"input": {"question": "Why"}}));
}

#[test]
fn an_idempotency_key_that_cannot_be_taken_is_malformed() {
    for target in [
        "/v1/lamps".to_owned(),
        format!("/v1/lamps/{ID}/switch"),
        "/v1/ask".to_owned(),
    ] {
        for key in ["", "a b", "é", &"k".repeat(256)] {
            let request = admin(Method::POST, &target)
                .with("idempotency-key", key)
                .body("application/json", r#"{"name":"A"}"#);
            let (status, body) = refusal(request);
            assert_eq!(status, 400, "{target} {key}");
            assert_eq!(errors(&body), [("Idempotency-Key", "invalid_header")]);
        }
    }
}

#[test]
fn a_request_with_two_keys_or_two_tokens_gets_no_further() {
    for (name, pointer) in [
        ("idempotency-key", "Idempotency-Key"),
        ("authorization", "Authorization"),
        ("content-type", "Content-Type"),
    ] {
        let twice = admin(Method::POST, "/v1/lamps")
            .with("idempotency-key", "k1")
            .body("application/json", r#"{"name":"A"}"#)
            .with(name, "k2");
        let (status, body) = refusal(twice);
        assert_eq!(status, 400, "{name}");
        assert_eq!(errors(&body), [(pointer, "invalid_header")]);
    }
    let read = admin(Method::GET, "/v1/lamps").with("authorization", "Bearer x");
    assert_eq!(refusal(read).0, 400);
}

#[test]
fn money_needs_an_idempotency_key_and_an_if_match() {
    let create = admin(Method::POST, "/v1/bills").body("application/json", r#"{"note":""}"#);
    assert_eq!(refusal(create).0, 428);
    let update =
        admin(Method::PATCH, &format!("/v1/bills/{ID}")).body("application/merge-patch+json", "{}");
    assert_eq!(refusal(update.clone()).0, 428);
    assert_eq!(refusal(update.clone().with("if-match", "W/\"1\"")).0, 412);
    let (_, _, arguments) = call(update.clone().with("if-match", "\"4\""));
    assert_eq!(arguments, json!({"id": ID, "input": {}, "versions": [4]}));
    let (_, _, arguments) = call(update.with("if-match", "*"));
    assert_eq!(arguments["versions"], Value::Null);
}
