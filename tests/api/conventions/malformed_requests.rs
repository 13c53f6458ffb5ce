//! Tests requests that a well-behaved client does not send: too large, malformed, or with unusual paths and text.

use anyhow::Result;
use http::Method;
use platform::http::problem::Kind;
use serde_json::{Value, json};
use tests::{Application, queries, raw_connection, role, run, send};
use uuid::Uuid;

use crate::conventions::invalid_bodies::raw;

#[test]
fn a_body_that_is_too_large_is_rejected_before_it_is_read() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let at_limit = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024 - 12));
        assert_eq!(at_limit.len(), 1024 * 1024);
        raw(app, &admin, Method::POST, "/v1/centres", at_limit)
            .await?
            .expect(422);
        let announced = |path: &str, media: &str, length: usize| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {media}\r\n\
                Content-Length: {length}\r\n\r\n{{",
                admin.token
            )
        };
        for (path, media, length) in [
            ("/v1/centres", "application/json", 1024 * 1024 + 1),
            ("/v1/auth/login", "application/json", 100 * 1024 * 1024),
            ("/v1/users/import", "text/csv", 64 * 1024 * 1024 + 1),
        ] {
            let answer =
                raw_connection::send_and_read_one(app, announced(path, media, length).as_bytes())
                    .await?;
            let (head, body) = raw_connection::split_head(&answer)?;
            assert!(head.starts_with("HTTP/1.1 413 "), "{path}: {head}");
            assert_eq!(
                raw_connection::header_of(head, "content-type"),
                Some("application/problem+json")
            );
            let body: Value = serde_json::from_str(body)?;
            assert_eq!(body["type"], "/problems/body-too-large");
        }
        // Without a content length, the body is counted while it arrives.
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let chunked = format!(
            "POST /v1/centres HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
            Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            admin.token,
            chunk.repeat(17)
        );
        let answer = raw_connection::send_and_read_one(app, chunked.as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn an_invalid_id_in_a_path_is_not_found() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for id in [
            "7",
            "null",
            "%00",
            "%ff",
            "..",
            "'%20or%201=1--",
            "00000000-0000-0000-0000-00000000000g",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let path = format!("/v1/users/{id}");
            for method in [Method::GET, Method::DELETE] {
                let reply = app.call(Some(&admin), method, &path, None).await?;
                assert!([404, 405].contains(&reply.status), "{path}: {}", reply.text);
                assert_eq!(reply.header("content-type"), "application/problem+json");
            }
            let reply = app.patch(&admin, &path, json!({"name": "x"})).await?;
            assert!([404, 405].contains(&reply.status), "{path}: {}", reply.text);
        }
        let shouted = format!("/v1/users/{}", admin.user.to_string().to_uppercase());
        app.get(&admin, &shouted).await?.expect(200);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn text_that_looks_like_sql_is_stored_as_text() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (number, name) in [
            "'; drop table lms.users; --",
            "$1",
            "%s\\",
            "\"quoted\" \\\\",
            "{{token}}",
            "😀 tail",
        ]
        .into_iter()
        .enumerate()
        {
            let body = json!({"name": name, "code": format!("odd-{number}"), "time_zone": "UTC", "currency": "EUR"});
            let created = app
                .post(&admin, "/v1/centres", body)
                .await?
                .expect(201)
                .json();
            assert_eq!(created["name"], name);
            let query: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let listed = app
                .get(&admin, &format!("/v1/centres?name={query}"))
                .await?
                .expect(200)
                .json();
            assert_eq!(listed["data"][0]["id"], created["id"], "{name}");
        }
        Ok(())
    });
}

#[test]
fn malformed_http_reaches_no_component() {
    run(async |app| {
        let before = queries::write_counters(app).await?;
        for bytes in [
            "NONSENSE\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
        ] {
            let answer = raw_connection::send_and_read_one(app, bytes.as_bytes()).await?;
            assert!(
                answer.starts_with("HTTP/1.1 400 ") || answer.is_empty(),
                "{bytes:?}: {answer}"
            );
        }
        let host_with_space = "GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n";
        let answer = raw_connection::send_and_read_one(app, host_with_space.as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(queries::write_counters(app).await?, before);
        app.call(None, Method::GET, "/healthz", None)
            .await?
            .expect(200);
        Ok(())
    });
}

/// Sends bytes that reach no component, and compares the host's response with the problem that a component would return.
async fn assert_host_problem(app: &Application, bytes: &[u8], kind: Kind) -> Result<()> {
    let answer = raw_connection::send_and_read_one(app, bytes).await?;
    let (head, body) = raw_connection::split_head(&answer)?;
    let (status, name, title) = kind.parts();
    let shown = String::from_utf8_lossy(bytes);
    let line = head
        .trim_start_matches("HTTP/1.0")
        .trim_start_matches("HTTP/1.1");
    assert!(line.starts_with(&format!(" {status} ")), "{shown}: {head}");
    assert_eq!(
        raw_connection::header_of(head, "content-type"),
        Some("application/problem+json")
    );
    let body: Value = serde_json::from_str(body)?;
    assert_eq!(body["type"], format!("/problems/{name}"), "{shown}");
    assert_eq!(body["title"], title, "{shown}");
    assert_eq!(body["status"], status, "{shown}");
    assert_eq!(
        raw_connection::header_of(head, "x-request-id"),
        body["request_id"].as_str(),
        "{shown}"
    );
    Ok(())
}

#[test]
fn an_invalid_request_head_is_a_problem_from_the_host() {
    run(async |app| {
        for bytes in [
            &b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"[..],
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n\r\n",
            b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET http://b/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: \xe9\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Name: Ren\xe9\r\n\r\n",
            b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        ] {
            assert_host_problem(app, bytes, Kind::Malformed).await?;
        }
        let unknown_path = b"GET /.well-known/spin/nothing HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_host_problem(app, unknown_path, Kind::NotFound).await?;
        // UTF-8 in a header and an absolute URL of the same host are allowed.
        for valid in [
            "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Name: Ren\u{e9}\r\n\r\n",
            "GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            let answer = raw_connection::send_and_read_one(app, valid.as_bytes()).await?;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        let with_request_id =
            b"GET /.well-known/spin/x HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n";
        let answer = raw_connection::send_and_read_one(app, with_request_id).await?;
        assert!(answer.contains("\"request_id\":\"mine-1\""), "{answer}");
        Ok(())
    });
}

#[test]
fn a_repeated_single_value_header_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other = app.sign_in(role::SUPERVISOR).await?;
        let before = queries::write_counters(app).await?;
        let body = json!({"name": "Lake", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let body = body.to_string();
        let post = |path: &str, media: &str, body: &str| {
            app.request(Method::POST, path)
                .bearer_auth(&admin.token)
                .header("content-type", media)
                .header("idempotency-key", "one")
                .header("x-request-id", "one")
                .body(body.to_owned())
        };
        let token = format!("Bearer {}", other.token);
        for (name, value) in [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "two"),
            ("Idempotency-Key", "one"),
            ("X-Request-Id", "two"),
        ] {
            for (path, media, body) in [
                ("/v1/centres", "application/json", body.as_str()),
                ("/v1/users/import", "text/csv", "name,email,role\n"),
                ("/v1/auth/login", "application/json", "{}"),
            ] {
                let twice = post(path, media, body).header(name, value);
                let reply = send(twice).await?.expect(400);
                assert_eq!(reply.json()["type"], "/problems/malformed-request");
                assert_eq!(reply.pointers(), [name], "{path}");
                let is_kept = reply.header("x-request-id") == "one";
                assert_eq!(is_kept, name != "X-Request-Id");
            }
        }
        let twice = app
            .request(Method::GET, "/v1/centres")
            .bearer_auth(&admin.token)
            .bearer_auth(&other.token);
        send(twice).await?.expect(400);
        assert_eq!(queries::write_counters(app).await?, before);
        // A list may be split over several header lines.
        let lists = post("/v1/centres", "application/json", &body)
            .header("accept-language", "en")
            .header("accept-language", "de")
            .header("if-none-match", "\"1\"")
            .header("if-none-match", "\"2\"");
        send(lists).await?.expect(201);
        Ok(())
    });
}

#[test]
fn a_body_that_is_not_utf_8_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let body = json!({"name": "Lake", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let body = body.to_string();
        let post = |path: &str, media: &str, body: &str| {
            app.request(Method::POST, path)
                .bearer_auth(&admin.token)
                .header("content-type", media)
                .body(body.to_owned())
        };
        for (path, media, body) in [
            (
                "/v1/centres",
                "application/json; charset=iso-8859-1",
                body.as_str(),
            ),
            (
                "/v1/users/import",
                "text/csv; charset=windows-1252",
                "name,email,role\n",
            ),
            ("/v1/auth/login", "application/json;charset=utf-16", "{}"),
        ] {
            let reply = send(post(path, media, body)).await?.expect(415);
            assert_eq!(reply.json()["type"], "/problems/unsupported-media-type");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let valid = post("/v1/centres", "application/json; Charset=\"UTF-8\"", &body);
        send(valid).await?.expect(201);
        Ok(())
    });
}

#[test]
fn a_content_encoding_other_than_identity_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let post = |path: &str, media: &str, coding: &str, body: &str| {
            app.request(Method::POST, path)
                .bearer_auth(&admin.token)
                .header("content-type", media)
                .header("content-encoding", coding)
                .body(body.to_owned())
        };
        let body = json!({"name": "Lake", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let body = body.to_string();
        for coding in ["gzip", "br", "identity, gzip", "GZIP", "nonsense"] {
            for (path, media, body) in [
                ("/v1/centres", "application/json", body.as_str()),
                ("/v1/users/import", "text/csv", "name,email,role\n"),
                ("/v1/auth/login", "application/json", "{}"),
            ] {
                let reply = send(post(path, media, coding, body)).await?.expect(415);
                assert_eq!(reply.json()["type"], "/problems/unsupported-media-type");
                assert_eq!(reply.header("accept-encoding"), "identity");
            }
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let plain = post("/v1/centres", "application/json", "Identity", &body);
        send(plain).await?.expect(201);
        // Where a body is ignored, its encoding is ignored, too.
        for (method, path, status) in [
            (Method::GET, "/v1/centres".to_owned(), 200),
            (Method::DELETE, format!("/v1/centres/{}", Uuid::nil()), 404),
        ] {
            for body in ["", "{}"] {
                let encoded = app
                    .request(method.clone(), &path)
                    .bearer_auth(&admin.token)
                    .header("content-encoding", "gzip")
                    .body(body);
                send(encoded).await?.expect(status);
            }
        }
        Ok(())
    });
}
