//! Tests of imported files on their way into the database. Other bodies are in `bodies`.

use http::Method;
use serde_json::json;

use super::*;
use crate::pipeline::body_reader::BodyReader;

#[test]
fn import_and_dry_run_go_as_arguments() {
    let import = admin(Method::POST, "/v1/lamps/import?dry_run=true").body("text/csv", "name\nA\n");
    let (_, _, arguments) = call(import);
    assert_eq!(arguments["dry_run"], true);
    assert_eq!(arguments["rows"][0]["input"], json!({"name": "A"}));
    let import = admin(Method::POST, "/v1/lamps/import").body("text/csv", "name\nA\n");
    assert_eq!(call(import).2["dry_run"], false);
}

fn reader(request: &Request) -> BodyReader {
    let plan = resolve(&COMPONENT, &settings(), request);
    plan.map(|mut plan| plan.body_reader().unwrap()).unwrap()
}

/// Returns the limit of the request's body.
fn limit(request: &Request) -> usize {
    let announced = |length| reader(request).check_content_length(length).is_ok();
    let megabytes = [1, 64].map(|megabytes| megabytes * 1024 * 1024);
    let most = megabytes.into_iter().rfind(|length| announced(*length));
    assert!(most.is_some_and(|most| !announced(most + 1)));
    most.unwrap_or_default()
}

#[test]
fn much_is_read_only_from_who_may_import() {
    let settings = settings();
    let import = || request(Method::POST, "/v1/lamps/import").with("content-type", "text/csv");
    assert_eq!(
        limit(&import().signed_in(&settings, role::ADMIN)),
        64 * 1024 * 1024
    );
    for request in [
        import(),
        import().signed_in(&settings, role::KEEPER),
        admin(Method::PUT, "/v1/lamps/import"),
        admin(Method::POST, "/v1/bills/import"),
        admin(Method::POST, "/v1/lamps"),
    ] {
        assert_eq!(limit(&request), 1024 * 1024);
    }
}

#[test]
fn errors_of_an_import_are_reported_before_its_file_is_read() {
    let import = |target: &str| admin(Method::POST, target).with("content-type", "text/csv");
    let other_media = admin(Method::POST, "/v1/lamps/import").with("content-type", "text/plain");
    for (request, expected) in [
        (other_media, 415),
        (import("/v1/lamps/import").with("accept", "text/csv"), 406),
        (import("/v1/lamps/import?dry_run=maybe"), 400),
        (
            import("/v1/lamps/import").with("idempotency-key", "a b"),
            400,
        ),
    ] {
        let problem = resolve(&COMPONENT, &settings(), &request).err().unwrap();
        assert_eq!(problem.status(), expected);
    }
}

#[test]
fn the_rest_of_a_file_is_not_read_when_its_header_is_wrong() {
    let request = admin(Method::POST, "/v1/lamps/import").with("content-type", "text/csv");
    let mut reader = reader(&request);
    assert!(reader.take(b"name,colour").is_ok());
    let problem = reader.take(b"\n").unwrap_err();
    assert_eq!((problem.status(), problem.errors.len()), (400, 1));
}

#[test]
fn another_file_under_the_same_key_is_another_request() {
    let fingerprint = |file: &str| {
        let import = admin(Method::POST, "/v1/lamps/import")
            .with("idempotency-key", "k1")
            .body("text/csv", file);
        call(import).0["fingerprint"].clone()
    };
    assert!(fingerprint("name\nA\n").is_string());
    assert_eq!(fingerprint("name\nA\n"), fingerprint("name\nA\n"));
    assert_ne!(fingerprint("name\nA\n"), fingerprint("name\nB\n"));
}
