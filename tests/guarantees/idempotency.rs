//! Idempotency-Key: what is repeated is done once and answered alike.

use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tests::{Application, Session, role, rows, run, send};

fn post(
    app: &Application,
    session: &Session,
    path: &str,
    key: &str,
    body: &Value,
) -> RequestBuilder {
    app.request(Method::POST, path)
        .bearer_auth(&session.token)
        .header("idempotency-key", key)
        .json(body)
}

fn centre(code: &str) -> Value {
    json!({"name": "Lakeside", "code": code, "time_zone": "UTC", "currency": "EUR"})
}

#[test]
fn a_repeated_request_is_answered_as_before_and_done_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support"});
        for (path, body) in [("/v1/centres", centre("lake")), ("/v1/users", user)] {
            let first = send(post(app, &admin, path, path, &body))
                .await?
                .expect(201);
            assert_eq!(first.header("idempotency-replayed"), "");
            let before = rows::written(app).await?;
            let again = send(post(app, &admin, path, path, &body))
                .await?
                .expect(201);
            assert_eq!(again.text, first.text);
            assert_eq!(again.header("idempotency-replayed"), "true");
            for name in ["location", "etag", "content-type"] {
                assert!(!first.header(name).is_empty(), "{path} has no {name}");
                assert_eq!(again.header(name), first.header(name));
            }
            assert_eq!(rows::written(app).await?, before);
        }
        Ok(())
    });
}

#[test]
fn a_key_is_of_one_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        send(post(app, &admin, "/v1/centres", "key-1", &centre("lake")))
            .await?
            .expect(201);
        let before = rows::written(app).await?;
        let staff = json!({"user_id": admin.user, "centre_id": admin.user});
        for (path, body) in [
            ("/v1/centres", centre("other")),
            ("/v1/staff", centre("lake")),
            ("/v1/staff", staff),
        ] {
            let reply = send(post(app, &admin, path, "key-1", &body))
                .await?
                .expect(422);
            let expected = if body["code"] == "lake" {
                "/problems/invalid-input"
            } else {
                "/problems/idempotency-key-reused"
            };
            assert_eq!(reply.json()["type"], expected);
        }
        assert_eq!(rows::written(app).await?, before);
        send(post(app, &admin, "/v1/centres", "key-2", &centre("other")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_key_is_of_one_user() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let theirs = app.sign_in_to(1, role::ADMIN).await?;
        let first = send(post(app, &ours, "/v1/centres", "shared", &centre("lake")))
            .await?
            .expect(201);
        let second = send(post(app, &theirs, "/v1/centres", "shared", &centre("lake")))
            .await?
            .expect(201);
        assert_eq!(second.header("idempotency-replayed"), "");
        assert_ne!(first.json()["id"], second.json()["id"]);
        Ok(())
    });
}

#[test]
fn twenty_repeats_at_once_make_one_row() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let repeats: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn(send(post(
                    app,
                    &admin,
                    "/v1/centres",
                    "at-once",
                    &centre("lake"),
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
            rows::count(app, "lms.centres where code = 'lake'", &[]).await?,
            1
        );
        let events = rows::count(
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
fn a_refused_request_leaves_its_key_free() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let made = send(post(app, &admin, "/v1/centres", "first", &centre("lake")))
            .await?
            .expect(201)
            .json();
        for _ in 0..2 {
            let clash = send(post(app, &admin, "/v1/centres", "second", &centre("lake")))
                .await?
                .expect(409);
            assert_eq!(clash.header("idempotency-replayed"), "");
        }
        assert_eq!(rows::count(app, "lms.idempotency_keys", &[]).await?, 1);
        let path = format!("/v1/centres/{}", made["id"].as_str().unwrap_or_default());
        app.delete(&admin, &path).await?.expect(204);
        send(post(app, &admin, "/v1/centres", "second", &centre("lake")))
            .await?
            .expect(201);
        Ok(())
    });
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        send(post(app, &admin, "/v1/centres", "daily", &centre("lake")))
            .await?
            .expect(201);
        let kept = "lms.idempotency_keys where expires_at between now() + interval '23 hours' and now() + interval '24 hours'";
        assert_eq!(rows::count(app, kept, &[]).await?, 1);
        rows::execute(
            app,
            "update lms.idempotency_keys set expires_at = now() - interval '1 second'",
            &[],
        )
        .await?;
        let other = send(post(app, &admin, "/v1/centres", "daily", &centre("other")))
            .await?
            .expect(201);
        assert_eq!(other.header("idempotency-replayed"), "");
        let again = send(post(app, &admin, "/v1/centres", "daily", &centre("other")))
            .await?
            .expect(201);
        assert_eq!(again.text, other.text);
        Ok(())
    });
}

#[test]
fn actions_and_imports_take_a_key_too() {
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
        let before = rows::written(app).await?;
        let seconds = [
            send(act()).await?.expect(200),
            send(file("import")).await?.expect(201),
        ];
        for (first, second) in firsts.iter().zip(&seconds) {
            assert_eq!(first.text, second.text);
            assert_eq!(second.header("idempotency-replayed"), "true");
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_key_that_is_none_is_refused_by_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
        for key in ["", " ", "two words", "caf\u{e9}", &"x".repeat(256)] {
            let reply = send(post(app, &admin, "/v1/centres", key, &centre("lake"))).await?;
            assert_eq!(reply.status, 400, "{key}: {}", reply.text);
            assert_eq!(reply.pointers(), ["Idempotency-Key"]);
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn no_password_can_be_guessed_from_what_is_kept_of_a_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "password": "the lamp is on table 3"});
        send(post(app, &admin, "/v1/users", "ana", &body))
            .await?
            .expect(201);
        // A bare SHA-256 over what is known but for the password would let it be tried a billion times a second.
        let bare = rows::count(
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
