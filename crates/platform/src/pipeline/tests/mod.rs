//! The helpers that the tests of the pipeline share, and the tests of the pipeline as a whole. The
//! component that they serve is in `crate::fixture`.

mod bodies;
mod imports;
mod keys;

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{COMPONENT, Recorder, claims, ready, request, role, settings, settings_with};
use crate::http::problem::Kind;
use crate::pipeline::body_reader::Body;
use crate::pipeline::resolve::resolve;

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

/// Returns the response, and the calls that reached the database.
fn answer(request: Request) -> (Response, Recorder) {
    let recorder = Recorder::default();
    let response = served(&settings(), &recorder, request);
    (response, recorder)
}

/// Returns the response to a request whose body arrives in small pieces.
fn served(settings: &Settings, recorder: &Recorder, mut request: Request) -> Response {
    let sent = std::mem::take(&mut request.body);
    let taken = resolve(&COMPONENT, settings, &request).and_then(|mut plan| {
        let Some(mut reader) = plan.body_reader() else {
            return Ok((plan, Body::Bytes(sent)));
        };
        for piece in sent.chunks(7) {
            reader.take(piece)?;
        }
        Ok((plan, reader.finish()?))
    });
    let (plan, file) = match taken {
        Ok((plan, Body::Bytes(bytes))) => {
            request.body = bytes;
            (plan, None)
        }
        Ok((plan, Body::File(file))) => (plan, Some(file)),
        Err(problem) => {
            return respond(COMPONENT.name, &settings.allowed_origins, &request, || {
                Err(problem)
            });
        }
    };
    ready(handle(&COMPONENT, settings, recorder, &request, plan, file))
}

/// Returns the response to a request that must not reach the database.
fn refusal(request: Request) -> (u16, Value) {
    let line = format!("{} {}", request.method, request.path);
    let (response, recorder) = answer(request);
    assert!(
        recorder.calls.borrow().is_empty(),
        "{line} reached the database"
    );
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    (response.status, body)
}

/// Returns the call of a request that must reach the database once.
fn call(request: Request) -> (Value, String, Value) {
    let (response, recorder) = answer(request);
    assert_eq!(
        response.status,
        503,
        "{}",
        String::from_utf8_lossy(&response.body)
    );
    assert_eq!(header(&response, "retry-after"), Some("2"));
    let mut calls = recorder.calls.into_inner();
    assert_eq!(calls.len(), 1);
    let (context, statement, arguments) = calls.remove(0);
    (context, statement.name, arguments)
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut found = response.headers.iter().filter(|(known, _)| *known == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

fn admin(method: Method, target: &str) -> Request {
    request(method, target).signed_in(&settings(), role::ADMIN)
}

fn errors(body: &Value) -> Vec<(&str, &str)> {
    body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| Some((error["pointer"].as_str()?, error["code"].as_str()?)))
        .collect()
}

#[test]
fn a_path_that_is_not_there_needs_no_token() {
    let (status, body) = refusal(request(Method::GET, "/v1/nothing"));
    assert_eq!(
        (status, &body["type"]),
        (404, &json!("/problems/not-found"))
    );
}

#[test]
fn without_a_valid_token_nobody_gets_further() {
    for request in [
        request(Method::GET, "/v1/lamps"),
        request(Method::GET, "/v1/lamps").with("authorization", "Bearer x.y.z"),
        request(Method::POST, "/v1/ask"),
    ] {
        let (response, recorder) = answer(request);
        assert_eq!(response.status, 401);
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer"));
        assert!(recorder.calls.borrow().is_empty());
    }
}

#[test]
fn a_role_without_the_verb_is_refused() {
    let settings = settings();
    for (method, target) in [
        (Method::POST, "/v1/lamps".to_owned()),
        (Method::DELETE, format!("/v1/lamps/{ID}")),
        (Method::GET, "/v1/bills".to_owned()),
        (Method::POST, "/v1/lamps/import".to_owned()),
    ] {
        let (status, body) = refusal(request(method, &target).signed_in(&settings, role::GUEST));
        assert_eq!(
            (status, &body["detail"]),
            (
                403,
                &json!("The role guest is not allowed to perform this operation.")
            )
        );
    }
}

#[test]
fn the_tenant_is_named_to_a_host_that_asks() {
    let settings = settings();
    let id = Some("00000000-0000-0000-0000-000000000002");
    let nobody = request(Method::GET, "/v1/lamps");
    for (given, status, expected) in [
        (admin(Method::GET, "/v1/lamps"), 503, id),
        // The caller is known, although it may not do this.
        (
            request(Method::GET, "/v1/bills").signed_in(&settings, role::GUEST),
            403,
            id,
        ),
        (nobody, 401, None),
    ] {
        let (response, _) = answer(given.clone());
        assert_eq!(
            (response.status, header(&response, "tenant-id")),
            (status, None)
        );
        let (response, _) = answer(given.with("want-tenant-id", "1"));
        assert_eq!(
            (response.status, header(&response, "tenant-id")),
            (status, expected)
        );
    }
}

#[test]
fn a_request_is_one_call_with_its_context() {
    let (context, name, arguments) =
        call(admin(Method::GET, &format!("/v1/lamps/{ID}")).with("x-request-id", "r-1"));
    let claims = claims(role::ADMIN);
    assert_eq!(
        context,
        json!({
            "cell": "eu-standard",
            "region": "eu",
            "tenant": claims.tid,
            "user": claims.sub,
            "role": "admin",
            "session": claims.sid,
            "request_id": "r-1",
        })
    );
    assert!(name.starts_with("lamps#"), "{name}");
    assert_eq!(arguments, json!({"id": ID}));
}

#[test]
fn parameters_that_nobody_knows_are_refused() {
    for (method, target) in [
        (Method::GET, format!("/v1/lamps/{ID}?expand=1")),
        (Method::GET, "/v1/lamps?colour=red".to_owned()),
        (Method::POST, "/v1/lamps?x=1".to_owned()),
        (Method::DELETE, format!("/v1/lamps/{ID}?x=1")),
        (Method::POST, format!("/v1/lamps/{ID}/switch?x=1")),
        (Method::POST, "/v1/lamps/import?dry=true".to_owned()),
        (Method::POST, "/v1/lamps/import?dry_run=yes".to_owned()),
        (
            Method::POST,
            "/v1/lamps/import?dry_run=true&dry_run=false".to_owned(),
        ),
    ] {
        let media = if target.contains("import") {
            "text/csv"
        } else {
            "application/json"
        };
        let (status, body) = refusal(admin(method, &target).body(media, "name\nA\n"));
        assert_eq!(status, 400, "{target}");
        assert_eq!(errors(&body).len(), 1, "{target}: {body}");
    }
}

#[test]
fn a_representation_that_the_client_does_not_accept_is_not_made() {
    for (target, accept) in [
        ("/v1/lamps".to_owned(), "application/xml"),
        (format!("/v1/lamps/{ID}"), "text/csv"),
        ("/v1/lamps".to_owned(), "application/json;q=0, text/html"),
        ("/v1/lamps/report".to_owned(), "text/csv"),
    ] {
        assert_eq!(
            refusal(admin(Method::GET, &target).with("accept", accept)).0,
            406
        );
    }
    let settings = settings();
    let file = request(Method::GET, "/v1/lamps")
        .signed_in(&settings, role::GUEST)
        .with("accept", "text/csv");
    assert_eq!(refusal(file).0, 406, "a role without export");
}

#[test]
fn every_form_of_an_action_comes_from_its_one_statement() {
    for accept in ["application/json", "text/plain", "text/html, text/*;q=0.5"] {
        let (_, name, arguments) =
            call(admin(Method::GET, "/v1/lamps/report").with("accept", accept));
        assert!(name.starts_with("lamps.report#"), "{name}");
        assert_eq!(arguments, json!({"input": {}}));
    }
}

#[test]
fn a_fault_is_told_apart_from_its_cause() {
    let (response, _) = answer(admin(Method::GET, "/v1/lamps"));
    let text = String::from_utf8(response.body).unwrap();
    assert!(!text.contains("recorded"), "{text}");
}

#[test]
fn head_is_get_without_a_body() {
    let (get, _) = answer(request(Method::GET, "/ping"));
    let (head, _) = answer(request(Method::HEAD, "/ping"));
    assert_eq!((get.status, get.body.as_slice()), (200, b"{}".as_slice()));
    assert_eq!((head.status, head.body.as_slice()), (200, b"".as_slice()));
    assert_eq!(header(&head, "content-length"), Some("2"));
    assert_eq!(header(&head, "content-type"), header(&get, "content-type"));
}

#[test]
fn options_needs_no_token_and_has_no_body() {
    let (response, recorder) = answer(request(Method::OPTIONS, "/v1/lamps"));
    assert_eq!(response.status, 204);
    assert_eq!(header(&response, "allow"), Some("GET, HEAD, OPTIONS, POST"));
    assert_eq!(header(&response, "content-length"), None);
    assert!(response.body.is_empty() && recorder.calls.borrow().is_empty());
}

#[test]
fn another_region_is_named_and_nothing_else() {
    let elsewhere = settings_with(&[("region", "au"), ("cell", "au-standard")]);
    let recorder = Recorder::default();
    let given = request(Method::GET, "/v1/lamps").signed_in(&settings(), role::ADMIN);
    let response = served(&elsewhere, &recorder, given);
    assert_eq!(response.status, 421);
    assert_eq!(
        header(&response, "location"),
        Some("https://eu.example.org")
    );
    assert!(recorder.calls.borrow().is_empty());
}

#[test]
fn the_statement_of_a_shape_is_the_same_each_time() {
    let name = |target: &str| call(admin(Method::GET, target)).1;
    let list = name("/v1/lamps");
    assert_eq!(name("/v1/lamps?limit=3"), list);
    let mut names = vec![
        list,
        name("/v1/lamps?kind=desk"),
        name("/v1/lamps?watts=3"),
        name(&format!("/v1/lamps/{ID}")),
        name("/v1/bills"),
    ];
    let settings = settings();
    let guest = request(Method::GET, "/v1/lamps").signed_in(&settings, role::GUEST);
    names.push(call(guest).1);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 6, "{names:?}");
    assert_eq!(
        name("/v1/lamps?sort=name"),
        "",
        "shapes that clients compose are not kept"
    );
    assert_eq!(name("/v1/lamps?kind=desk&watts=3"), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_request_crashes_the_pipeline(
        method in prop_oneof![
            Just(Method::GET), Just(Method::HEAD), Just(Method::POST), Just(Method::PATCH),
            Just(Method::DELETE), Just(Method::OPTIONS),
        ],
        path in prop_oneof![
            Just("/v1/lamps".to_owned()), Just(format!("/v1/lamps/{ID}")),
            Just("/v1/lamps/import".to_owned()), Just("/v1/ask".to_owned()), "/?\\PC{0,20}",
        ],
        query in proptest::option::of("[a-z_.=&%,*0-9é-]{0,40}"),
        names in proptest::collection::vec(
            proptest::sample::select(vec![
                "accept", "content-type", "content-length", "idempotency-key", "if-match", "if-none-match",
                "origin", "traceparent", "x-request-id", "authorization", "spin-client-addr",
            ]),
            0..6,
        ),
        values in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff], 0..30),
                "(application/json|text/csv|\\*/\\*)(;q=[0-9.]{0,5})?(, ?text/\\*)?".prop_map(String::into_bytes),
                "(W/)?\"[0-9a-f-]{0,5}\"(, ?\"1\")?".prop_map(String::into_bytes),
            ],
            6,
        ),
        body in prop_oneof![Just(Vec::new()), proptest::collection::vec(any::<u8>(), 0..60), Just(b"{}".to_vec())],
        is_signed_in in any::<bool>(),
    ) {
        let settings = settings_with(&[("allowed_origins", "https://app.example.org")]);
        let mut given = request(method, &path);
        given.query = query;
        given.body = body;
        for (name, value) in names.into_iter().zip(values) {
            let value = http::HeaderValue::from_bytes(&value).unwrap();
            given.headers.append(name, value);
        }
        if is_signed_in {
            given.headers.remove("authorization");
            given = given.signed_in(&settings, role::ADMIN);
        }
        let response = served(&settings, &Recorder::default(), given);
        prop_assert!((200..=503).contains(&response.status) && response.status != 500);
        for (name, value) in &response.headers {
            prop_assert!(http::HeaderValue::from_str(value).is_ok(), "{name}: {value:?}");
        }
    }
}
