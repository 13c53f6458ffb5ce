//! Headers that work alike everywhere.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{Application, Reply, Role, Session, run, send};

use crate::{rows, wire};

async fn get(
    app: &Application,
    session: &Session,
    path: &str,
    name: &str,
    value: &str,
) -> Result<Reply> {
    send(
        app.request(Method::GET, path)
            .bearer_auth(&session.token)
            .header(name, value),
    )
    .await
}

#[test]
fn a_sane_request_id_is_echoed_and_another_replaced() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for sane in ["abc", "A-b_c.d:9", "x".repeat(100).as_str()] {
            let reply = get(app, &admin, "/v1/centres", "x-request-id", sane)
                .await?
                .expect(200);
            assert_eq!(reply.header("x-request-id"), sane);
            let missing = get(app, &admin, "/v1/nothing", "x-request-id", sane)
                .await?
                .expect(404);
            assert_eq!(missing.json()["request_id"], sane);
            let refused = get(app, &admin, "/v1/users?page=1", "x-request-id", sane)
                .await?
                .expect(400);
            assert_eq!(refused.header("x-request-id"), sane);
            assert_eq!(refused.json()["request_id"], sane);
        }
        for odd in [
            "",
            "two words",
            "<script>",
            "x".repeat(101).as_str(),
            "a\"b",
        ] {
            let reply = get(app, &admin, "/v1/centres", "x-request-id", odd)
                .await?
                .expect(200);
            let id: uuid::Uuid = reply.header("x-request-id").parse()?;
            assert_eq!(id.get_version_num(), 7);
        }
        Ok(())
    });
}

#[test]
fn a_trace_goes_on_with_a_span_of_our_own() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let given = format!("00-{trace}-00f067aa0ba902b7-01");
        let reply = get(app, &admin, "/v1/centres", "traceparent", &given)
            .await?
            .expect(200);
        let parts: Vec<&str> = reply.header("traceparent").split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, "01"));
        assert_eq!(parts[2].len(), 16);
        assert_ne!(parts[2], "00f067aa0ba902b7");
        for bad in [
            "",
            "x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let reply = get(app, &admin, "/v1/centres", "traceparent", bad)
                .await?
                .expect(200);
            assert_eq!(reply.header("traceparent"), "", "{bad}");
        }
        Ok(())
    });
}

#[test]
fn every_answer_has_its_length_its_time_and_is_not_kept() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let centre = format!("/v1/centres/{home}");
        let large = json!({"name": "x".repeat(1024 * 1024 + 1)});
        let replies = [
            app.get(&admin, "/v1/users").await?.expect(200),
            app.get(&admin, &centre).await?.expect(200),
            app.patch(&admin, &centre, json!({"name": "New"}))
                .await?
                .expect(200),
            app.post(&admin, "/v1/centres", json!({}))
                .await?
                .expect(422),
            app.get(&admin, "/v1/users/7").await?.expect(404),
            app.call(None, Method::GET, "/v1/users", None)
                .await?
                .expect(401),
            app.post(&admin, "/v1/users/import", json!({}))
                .await?
                .expect(415),
            app.call(Some(&admin), Method::PUT, "/v1/users", None)
                .await?
                .expect(405),
            app.post(&admin, "/v1/centres", large).await?.expect(413),
        ];
        for reply in replies {
            assert_eq!(
                reply.header("content-length"),
                reply.text.len().to_string(),
                "{}",
                reply.text
            );
            assert_eq!(
                reply.header("x-content-type-options"),
                "nosniff",
                "{}",
                reply.text
            );
            assert_eq!(reply.header("cache-control"), "no-store", "{}", reply.text);
            assert!(!reply.header("x-request-id").is_empty(), "{}", reply.text);
            assert!(
                reply.header("server-timing").starts_with("db;dur="),
                "{}",
                reply.text
            );
            if reply.status >= 400 {
                assert_eq!(reply.header("content-type"), "application/problem+json");
                let body = reply.json();
                assert_eq!(body["status"], reply.status);
                assert!(
                    body["type"]
                        .as_str()
                        .is_some_and(|kind| kind.starts_with("/problems/"))
                );
                assert!(body["title"].is_string());
                assert_eq!(body["request_id"], reply.header("x-request-id"));
            }
        }
        let gone = app.delete(&admin, &centre).await?.expect(204);
        assert_eq!(
            (gone.text.as_str(), gone.header("content-length")),
            ("", "")
        );
        assert_eq!(gone.header("x-content-type-options"), "nosniff");
        Ok(())
    });
}

#[test]
fn other_origins_are_let_in_only_when_they_are_listed() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let allowed = "https://app.example.org";
        let reply = get(app, &admin, "/v1/centres", "origin", allowed)
            .await?
            .expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("etag")
        );
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        let problem = get(app, &admin, "/v1/centres?page=1", "origin", allowed)
            .await?
            .expect(400);
        assert_eq!(problem.header("access-control-allow-origin"), allowed);
        let large = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .header("origin", allowed)
            .json(&json!({"name": "x".repeat(1024 * 1024 + 1)}));
        assert_eq!(
            send(large)
                .await?
                .expect(413)
                .header("access-control-allow-origin"),
            allowed
        );
        for other in [
            "https://evil.example",
            "null",
            "https://app.example.org.evil.example",
            "http://app.example.org",
        ] {
            let reply = get(app, &admin, "/v1/centres", "origin", other)
                .await?
                .expect(200);
            assert_eq!(reply.header("access-control-allow-origin"), "", "{other}");
            assert_eq!(reply.header("vary"), "origin");
        }
        let preflight = |origin: &str| {
            app.request(Method::OPTIONS, "/v1/users")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization, if-match")
        };
        let reply = send(preflight(allowed)).await?.expect(204);
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert_eq!(
            reply.header("access-control-allow-methods"),
            "GET, HEAD, OPTIONS, POST"
        );
        for name in [
            "authorization",
            "content-type",
            "if-match",
            "idempotency-key",
        ] {
            assert!(
                reply.header("access-control-allow-headers").contains(name),
                "{name}"
            );
        }
        let reply = send(preflight("https://evil.example")).await?.expect(204);
        assert_eq!(reply.header("access-control-allow-origin"), "");
        assert_eq!(reply.header("access-control-allow-methods"), "");
        Ok(())
    });
}

#[test]
fn head_and_options_work_wherever_get_does() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let one = format!("/v1/centres/{home}");
        for (path, allow) in [
            ("/v1/centres", "GET, HEAD, OPTIONS, POST"),
            (one.as_str(), "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("/v1/tenants", "GET, HEAD, OPTIONS"),
            ("/v1/auth/me", "GET, HEAD, OPTIONS"),
            ("/v1/events", "GET, HEAD, OPTIONS"),
            ("/v1/regions", "GET, HEAD, OPTIONS"),
            ("/healthz", "GET, HEAD, OPTIONS"),
            ("/readyz", "GET, HEAD, OPTIONS"),
        ] {
            let got = app.get(&admin, path).await?.expect(200);
            let head = app
                .call(Some(&admin), Method::HEAD, path, None)
                .await?
                .expect(200);
            assert_eq!(head.text, "");
            for name in ["content-length", "content-type", "etag", "cache-control"] {
                assert_eq!(head.header(name), got.header(name), "{path} {name}");
            }
            let options = app
                .call(None, Method::OPTIONS, path, None)
                .await?
                .expect(204);
            assert_eq!(
                (options.text.as_str(), options.header("allow")),
                ("", allow),
                "{path}"
            );
        }
        let options = app
            .call(None, Method::OPTIONS, "/v1/auth/login", None)
            .await?
            .expect(204);
        assert_eq!(options.header("allow"), "OPTIONS, POST");
        app.call(None, Method::OPTIONS, "/v1/nothing", None)
            .await?
            .expect(404);
        app.call(None, Method::HEAD, "/v1/users", None)
            .await?
            .expect(401);
        Ok(())
    });
}

#[test]
fn a_method_that_a_path_does_not_know_is_told_those_it_knows() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for (method, path, allow) in [
            (Method::PUT, "/v1/users", "GET, HEAD, OPTIONS, POST"),
            (Method::DELETE, "/v1/users", "GET, HEAD, OPTIONS, POST"),
            (Method::GET, "/v1/auth/login", "OPTIONS, POST"),
            (Method::HEAD, "/v1/auth/login", "OPTIONS, POST"),
            (Method::GET, "/v1/users/import", "OPTIONS, POST"),
            (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
            (
                Method::from_bytes(b"BREW")?,
                "/v1/users",
                "GET, HEAD, OPTIONS, POST",
            ),
        ] {
            let reply = app
                .call(Some(&admin), method.clone(), path, None)
                .await?
                .expect(405);
            assert_eq!(reply.header("allow"), allow, "{method} {path}");
        }
        for path in [
            "/v1/users/",
            "/v1/users/7",
            "/v1/Users",
            "/v1/users/import/x",
            "/v1/auth",
            "/v1//users",
        ] {
            app.get(&admin, path).await?.expect(404);
        }
        Ok(())
    });
}

#[test]
fn what_the_client_does_not_accept_is_not_sent() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let one = format!("/v1/centres/{home}");
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "text/html, */*;q=0.1",
            "APPLICATION/JSON",
            "text/csv;q=0.5, application/json",
        ] {
            let reply = get(app, &admin, "/v1/centres", "accept", accept)
                .await?
                .expect(200);
            assert_eq!(reply.header("content-type"), "application/json", "{accept}");
        }
        for accept in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "text/plain",
        ] {
            for path in ["/v1/centres", one.as_str(), "/v1/auth/me"] {
                let reply = get(app, &admin, path, "accept", accept).await?.expect(406);
                assert_eq!(reply.header("content-type"), "application/problem+json");
            }
        }
        get(app, &admin, &one, "accept", "text/csv")
            .await?
            .expect(406);
        let before = rows::written(app).await?;
        let request = app
            .request(Method::PATCH, &one)
            .bearer_auth(&admin.token)
            .header("accept", "text/html")
            .json(&json!({"name": "x"}));
        send(request).await?.expect(406);
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_body_of_another_media_type_is_not_taken() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let one = format!("/v1/centres/{home}");
        let before = rows::written(app).await?;
        let body = r#"{"name": "x"}"#;
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/csv",
            "",
            "application/jsonx",
        ] {
            for (method, path) in [(Method::POST, "/v1/centres"), (Method::PATCH, one.as_str())] {
                let request = app
                    .request(method, path)
                    .bearer_auth(&admin.token)
                    .header("content-type", media)
                    .body(body);
                send(request).await?.expect(415);
            }
        }
        let untyped = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .body(body);
        send(untyped).await?.expect(415);
        assert_eq!(rows::written(app).await?, before);
        for media in [
            "application/json; charset=utf-8",
            "application/merge-patch+json",
            "Application/JSON",
        ] {
            let request = app
                .request(Method::PATCH, &one)
                .bearer_auth(&admin.token)
                .header("content-type", media)
                .body(body);
            send(request).await?.expect(200);
        }
        let merge = app
            .request(Method::POST, "/v1/centres")
            .bearer_auth(&admin.token)
            .header("content-type", "application/merge-patch+json")
            .body(body);
        send(merge).await?.expect(415);
        Ok(())
    });
}

#[test]
fn a_client_cannot_say_where_it_calls_from() {
    run(async |app| {
        let user = app.user(0, Role::Tutor);
        let request = app
            .request(Method::POST, "/v1/auth/login")
            .header("spin-client-addr", "203.0.113.9:1")
            .header("x-forwarded-for", "203.0.113.9")
            .json(&json!({"tenant": "aurora", "email": user.email, "password": user.password}));
        send(request).await?.expect(200);
        let addresses = rows::texts(app, "select address from lms.sessions", &[]).await?;
        assert_eq!(addresses, ["127.0.0.1"]);
        Ok(())
    });
}

#[test]
fn the_connection_is_kept_for_the_next_request() {
    run(async |app| {
        let bytes = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2)
            + "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = wire::conversation(app, bytes.as_bytes()).await?;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
        assert_eq!(answer.matches(r#"{"status":"ok"}"#).count(), 2);
        Ok(())
    });
}
