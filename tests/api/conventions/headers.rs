//! Tests the headers of every response.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{Application, Reply, Session, queries, raw_connection, role, run, send};

/// Sends a GET request with one additional header.
pub(crate) async fn get(
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
fn a_valid_request_id_is_echoed_and_an_invalid_one_is_replaced() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for sane in ["abc", "A-b_c.d:9", "x".repeat(100).as_str()] {
            let reply = get(app, &admin, "/v1/centres", "x-request-id", sane)
                .await?
                .expect(200);
            assert_eq!(reply.header("x-request-id"), sane);
            let missing = get(app, &admin, "/v1/nothing", "x-request-id", sane)
                .await?
                .expect(404);
            assert_eq!(missing.json()["request_id"], sane);
            let rejected = get(app, &admin, "/v1/users?page=1", "x-request-id", sane)
                .await?
                .expect(400);
            assert_eq!(rejected.header("x-request-id"), sane);
            assert_eq!(rejected.json()["request_id"], sane);
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
fn a_trace_continues_with_a_new_span() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
        let reply = get(app, &admin, "/v1/centres", "traceparent", &traceparent)
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
fn every_response_has_a_length_a_date_and_no_store() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // A centre without people can be deleted.
        let empty = json!({"name": "Lake", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let created = app.post(&admin, "/v1/centres", empty).await?.expect(201);
        let centre = created.header("location").to_owned();
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
        let deletion = app.delete(&admin, &centre).await?.expect(204);
        assert_eq!(
            (deletion.text.as_str(), deletion.header("content-length")),
            ("", "")
        );
        assert_eq!(deletion.header("x-content-type-options"), "nosniff");
        Ok(())
    });
}

#[test]
fn the_reference_page_has_the_same_headers() {
    run(async |app| {
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (path, status) in [("/docs", 200), ("/v1/openapi.json", 200), ("/nothing", 404)] {
            let request = app
                .request(Method::GET, path)
                .header("traceparent", traceparent)
                .header("x-request-id", "abc");
            let reply = send(request).await?.expect(status);
            assert_eq!(reply.header("x-request-id"), "abc", "{path}");
            assert!(
                reply.header("traceparent").starts_with(&traceparent[..36]),
                "{path}"
            );
            assert_ne!(reply.header("traceparent"), traceparent, "{path}");
            assert!(
                reply.header("server-timing").starts_with("db;dur=0.000"),
                "{path}"
            );
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(
                reply.headers.get_all("content-length").iter().count(),
                1,
                "{path}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_client_cannot_set_its_own_address() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let request = app
            .request(Method::POST, "/v1/auth/login")
            .header("spin-client-addr", "203.0.113.9:1")
            .header("x-forwarded-for", "203.0.113.9")
            .json(&json!({"tenant": "aurora", "email": user.email, "password": user.password}));
        send(request).await?.expect(200);
        let addresses = queries::fetch_texts(app, "select address from lms.sessions", &[]).await?;
        assert_eq!(addresses, ["127.0.0.1"]);
        Ok(())
    });
}

#[test]
fn connections_are_kept_alive() {
    run(async |app| {
        let bytes = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2)
            + "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = raw_connection::send_and_read_all(app, bytes.as_bytes()).await?;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
        assert_eq!(answer.matches(r#"{"status":"ok"}"#).count(), 2);
        Ok(())
    });
}
