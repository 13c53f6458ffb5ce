//! Tests that a request repeated with its `Idempotency-Key` runs once and gets the same response.

use http::Method;
use serde_json::json;
use tests::{
    fault_injection::centre_body, finance_records::request_with_key, queries, role, run, send,
};

#[test]
fn a_repeated_request_gets_the_stored_response_and_runs_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support"});
        for (path, body) in [("/v1/centres", centre_body("lake")), ("/v1/users", user)] {
            let first = send(request_with_key(app, &admin, path, path, &body))
                .await?
                .expect(201);
            assert_eq!(first.header("idempotency-replayed"), "");
            let before = queries::write_counters(app).await?;
            let again = send(request_with_key(app, &admin, path, path, &body))
                .await?
                .expect(201);
            assert_eq!(again.text, first.text);
            assert_eq!(again.header("idempotency-replayed"), "true");
            for name in ["location", "etag", "content-type"] {
                assert!(!first.header(name).is_empty(), "{path} has no {name}");
                assert_eq!(again.header(name), first.header(name));
            }
            assert_eq!(queries::write_counters(app).await?, before);
        }
        Ok(())
    });
}

#[test]
fn a_key_belongs_to_one_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "key-1",
            &centre_body("lake"),
        ))
        .await?
        .expect(201);
        let before = queries::write_counters(app).await?;
        let staff = json!({"user_id": admin.user, "centre_id": admin.user});
        for (path, body) in [
            ("/v1/centres", centre_body("other")),
            ("/v1/staff", centre_body("lake")),
            ("/v1/staff", staff),
        ] {
            let reply = send(request_with_key(app, &admin, path, "key-1", &body))
                .await?
                .expect(422);
            let expected = if body["code"] == "lake" {
                "/problems/invalid-input"
            } else {
                "/problems/idempotency-key-reused"
            };
            assert_eq!(reply.json()["type"], expected);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "key-2",
            &centre_body("other"),
        ))
        .await?
        .expect(201);
        Ok(())
    });
}

#[test]
fn a_key_belongs_to_one_user() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let first = send(request_with_key(
            app,
            &ours,
            "/v1/centres",
            "shared",
            &centre_body("lake"),
        ))
        .await?
        .expect(201);
        let second = send(request_with_key(
            app,
            &other_tenant_admin,
            "/v1/centres",
            "shared",
            &centre_body("lake"),
        ))
        .await?
        .expect(201);
        assert_eq!(second.header("idempotency-replayed"), "");
        assert_ne!(first.json()["id"], second.json()["id"]);
        Ok(())
    });
}

#[test]
fn twenty_concurrent_repeats_create_one_row() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let repeats: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn(send(request_with_key(
                    app,
                    &admin,
                    "/v1/centres",
                    "at-once",
                    &centre_body("lake"),
                )))
            })
            .collect();
        let (mut bodies, mut fresh) = (Vec::new(), 0);
        for repeat in repeats {
            let reply = repeat.await??.expect(201);
            fresh += i32::from(reply.header("idempotency-replayed").is_empty());
            bodies.push(reply.text);
        }
        assert_eq!(fresh, 1);
        bodies.dedup();
        assert_eq!(bodies.len(), 1);
        assert_eq!(
            queries::count(app, "lms.centres where code = 'lake'", &[]).await?,
            1
        );
        let events = queries::count(
            app,
            "lms.event_log where kind = 'centre.created' and state->>'code' = 'lake'",
            &[],
        )
        .await?;
        assert_eq!(events, 1);
        Ok(())
    });
}

#[test]
fn a_rejected_request_leaves_its_key_usable() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let created = send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "first",
            &centre_body("lake"),
        ))
        .await?
        .expect(201)
        .json();
        for _ in 0..2 {
            let clash = send(request_with_key(
                app,
                &admin,
                "/v1/centres",
                "second",
                &centre_body("lake"),
            ))
            .await?
            .expect(409);
            assert_eq!(clash.header("idempotency-replayed"), "");
        }
        assert_eq!(queries::count(app, "lms.idempotency_keys", &[]).await?, 1);
        let path = format!("/v1/centres/{}", created["id"].as_str().unwrap_or_default());
        app.delete(&admin, &path).await?.expect(204);
        send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "second",
            &centre_body("lake"),
        ))
        .await?
        .expect(201);
        Ok(())
    });
}

#[test]
fn a_key_expires_after_a_day() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "daily",
            &centre_body("lake"),
        ))
        .await?
        .expect(201);
        let keys_for_a_day = "lms.idempotency_keys where expires_at between now() + interval '23 hours' and now() + interval '24 hours'";
        assert_eq!(queries::count(app, keys_for_a_day, &[]).await?, 1);
        queries::execute(
            app,
            "update lms.idempotency_keys set expires_at = now() - interval '1 second'",
            &[],
        )
        .await?;
        let other = send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "daily",
            &centre_body("other"),
        ))
        .await?
        .expect(201);
        assert_eq!(other.header("idempotency-replayed"), "");
        let again = send(request_with_key(
            app,
            &admin,
            "/v1/centres",
            "daily",
            &centre_body("other"),
        ))
        .await?
        .expect(201);
        assert_eq!(again.text, other.text);
        Ok(())
    });
}

#[test]
fn actions_and_imports_accept_a_key() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/users/{}/deactivate", app.user(0, role::ASSESSOR).id);
        let import = "name,code,time_zone,currency\nLakeside,lake,UTC,EUR\n";
        let file = |key: &str| {
            app.request(Method::POST, "/v1/centres/import")
                .bearer_auth(&admin.token)
                .header("idempotency-key", key)
                .header("content-type", "text/csv")
                .body(import)
        };
        let act = || {
            app.request(Method::POST, &path)
                .bearer_auth(&admin.token)
                .header("idempotency-key", "act")
        };
        let firsts = [
            send(act()).await?.expect(200),
            send(file("import")).await?.expect(201),
        ];
        let before = queries::write_counters(app).await?;
        let seconds = [
            send(act()).await?.expect(200),
            send(file("import")).await?.expect(201),
        ];
        for (first, second) in firsts.iter().zip(&seconds) {
            assert_eq!(first.text, second.text);
            assert_eq!(second.header("idempotency-replayed"), "true");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn an_invalid_key_is_rejected_with_the_field_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for key in ["", " ", "two words", "caf\u{e9}", &"x".repeat(256)] {
            let reply = send(request_with_key(
                app,
                &admin,
                "/v1/centres",
                key,
                &centre_body("lake"),
            ))
            .await?;
            assert_eq!(reply.status, 400, "{key}: {}", reply.text);
            assert_eq!(reply.pointers(), ["Idempotency-Key"]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn stored_requests_do_not_help_to_guess_a_password() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "password": "the lamp is on table 3"});
        send(request_with_key(app, &admin, "/v1/users", "ana", &body))
            .await?
            .expect(201);
        // With a bare SHA-256 of the request, a billion passwords a second could be tried.
        let bare = queries::count(
            app,
            "lms.idempotency_keys where fingerprint = encode(sha256(
              'POST'::bytea || '\\x00'::bytea || '/v1/users'::bytea || '\\x00'::bytea || '\\x00'::bytea || convert_to($1, 'UTF8')
            ), 'hex')",
            &[&body.to_string()],
        ).await?;
        assert_eq!(bare, 0);
        Ok(())
    });
}
