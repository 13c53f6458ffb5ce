//! Tests changing and resetting passwords, and that no secret is stored or shown in plain text.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, notifications, queries, role, run, send};

const NEW_PASSWORD: &str = "a river runs past 7 lamps";

async fn post(app: &Application, path: &str, body: Value) -> Result<Reply> {
    app.call(None, Method::POST, path, Some(body)).await
}

async fn ask_for_reset(app: &Application, tenant: &str, email: &str) -> Result<Reply> {
    let reply = post(
        app,
        "/v1/auth/password-reset",
        json!({"tenant": tenant, "email": email}),
    )
    .await?;
    // The worker processes reset requests after the response.
    notifications::send_reset_codes(app).await?;
    Ok(reply)
}

#[test]
fn changing_the_password_ends_all_other_sessions() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let session = app.sign_in(role::TUTOR).await?;
        let other = app.sign_in(role::TUTOR).await?;
        let body = json!({"current": user.password, "new": NEW_PASSWORD});
        let reply = app
            .post(&session, "/v1/auth/password", body)
            .await?
            .expect(204);
        assert_eq!(reply.text, "");
        app.get(&session, "/v1/auth/me").await?.expect(200);
        app.get(&other, "/v1/auth/me").await?.expect(401);
        let old = json!({"tenant": "aurora", "email": user.email, "password": user.password});
        post(app, "/v1/auth/login", old).await?.expect(401);
        app.sign_in_as("aurora", &user.email, NEW_PASSWORD).await?;
        Ok(())
    });
}

#[test]
fn changing_a_password_requires_the_current_one() {
    run(async |app| {
        let session = app.sign_in(role::STUDENT).await?;
        let before = queries::write_counters(app).await?;
        let body = json!({"current": "not the password", "new": NEW_PASSWORD});
        for _ in 0..5 {
            let reply = app
                .post(&session, "/v1/auth/password", body.clone())
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), ["/current"]);
        }
        let locked = app
            .post(&session, "/v1/auth/password", body)
            .await?
            .expect(429);
        assert!(!locked.header("retry-after").is_empty());
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn short_long_and_common_passwords_are_rejected_everywhere() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::ADMIN);
        ask_for_reset(app, "aurora", &app.user(0, role::TUTOR).email)
            .await?
            .expect(202);
        let token = notifications::latest_code(app).await?;
        let before = queries::write_counters(app).await?;
        let long = "x".repeat(129);
        for (password, code) in [
            ("eleven char", "too_short"),
            (long.as_str(), "too_long"),
            ("password1234", "common_password"),
            ("PASSWORD1234", "common_password"),
        ] {
            let changed = json!({"current": user.password, "new": password});
            let changed = app
                .post(&admin, "/v1/auth/password", changed)
                .await?
                .expect(422);
            assert_eq!(changed.pointers(), ["/new"]);
            let confirmed = json!({"token": token, "password": password});
            let confirmed = post(app, "/v1/auth/password-reset/confirm", confirmed)
                .await?
                .expect(422);
            assert_eq!(confirmed.pointers(), ["/password"]);
            let body = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "password": password});
            let created = app.post(&admin, "/v1/users", body).await?.expect(422);
            assert_eq!(created.pointers(), ["/password"]);
            for reply in [changed, confirmed, created] {
                assert_eq!(reply.json()["errors"][0]["code"], code);
                assert!(!reply.text.contains(password), "{}", reply.text);
            }
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_password_change_with_an_idempotency_key_stores_no_hash_with_the_key() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let session = app.sign_in(role::TUTOR).await?;
        let request = app
            .request(Method::POST, "/v1/auth/password")
            .bearer_auth(&session.token)
            .header("idempotency-key", "change-1")
            .json(&json!({"current": user.password, "new": NEW_PASSWORD}));
        send(request).await?.expect(204);
        app.sign_in_as("aurora", &user.email, NEW_PASSWORD).await?;
        let key_count = queries::count(
            app,
            "lms.idempotency_keys as k where k::text like '%argon2%'",
            &[],
        )
        .await?;
        assert_eq!(key_count, 0);
        Ok(())
    });
}

#[test]
fn requesting_a_reset_reveals_nothing_about_accounts() {
    run(async |app| {
        let inactive = app.user(0, role::SUPPORT);
        queries::execute(
            app,
            "update lms.users set status = 'inactive' where id = $1",
            &[&inactive.id],
        )
        .await?;
        let notifications = queries::count(app, "lms.notifications", &[]).await?;
        let user = app.user(0, role::PARENT);
        let real = ask_for_reset(app, "aurora", &user.email).await?.expect(202);
        assert_eq!(real.text, "");
        for (tenant, email) in [
            ("aurora", "nobody@aurora.example"),
            ("harbour", user.email.as_str()),
            ("nowhere", user.email.as_str()),
            ("aurora", inactive.email.as_str()),
        ] {
            let reply = ask_for_reset(app, tenant, email).await?.expect(202);
            assert_eq!(reply.text, real.text);
            let names = |reply: &Reply| {
                reply
                    .headers
                    .keys()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&reply), names(&real));
        }
        assert_eq!(
            queries::count(app, "lms.notifications", &[]).await?,
            notifications + 1
        );
        assert_eq!(
            queries::count(app, "lms.one_use_tokens where user_id = $1", &[&user.id]).await?,
            1
        );
        assert_eq!(queries::count(app, "lms.one_use_tokens", &[]).await?, 1);
        Ok(())
    });
}

#[test]
fn password_resets_are_rate_limited_per_mailbox() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        for _ in 0..6 {
            ask_for_reset(app, "aurora", &user.email).await?.expect(202);
        }
        assert_eq!(queries::count(app, "lms.one_use_tokens", &[]).await?, 3);
        Ok(())
    });
}

#[test]
fn a_reset_token_works_once_and_ends_every_session() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        let session = app.sign_in(role::PARENT).await?;
        ask_for_reset(app, "aurora", &user.email).await?.expect(202);
        ask_for_reset(app, "aurora", &user.email).await?.expect(202);
        let token = notifications::latest_code(app).await?;
        assert_eq!(token.len(), 43);
        let body = json!({"token": token, "password": NEW_PASSWORD});
        let reply = post(app, "/v1/auth/password-reset/confirm", body.clone())
            .await?
            .expect(204);
        assert_eq!(reply.text, "");
        app.get(&session, "/v1/auth/me").await?.expect(401);
        let session = app.sign_in_as("aurora", &user.email, NEW_PASSWORD).await?;

        let again = post(app, "/v1/auth/password-reset/confirm", body)
            .await?
            .expect(422);
        assert_eq!(again.pointers(), ["/token"]);
        app.get(&session, "/v1/auth/me").await?.expect(200);
        // Pending resets are invalidated, too.
        assert_eq!(
            queries::count(app, "lms_private.notification_secrets", &[]).await?,
            0
        );
        assert_eq!(
            queries::count(app, "lms.one_use_tokens where used_at is null", &[]).await?,
            0
        );
        Ok(())
    });
}

#[test]
fn a_reset_token_expires_and_ends_with_its_account() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        ask_for_reset(app, "aurora", &user.email).await?.expect(202);
        let body =
            json!({"token": notifications::latest_code(app).await?, "password": NEW_PASSWORD});
        queries::execute(
            app,
            "update lms.users set status = 'inactive' where id = $1",
            &[&user.id],
        )
        .await?;
        post(app, "/v1/auth/password-reset/confirm", body.clone())
            .await?
            .expect(422);
        queries::execute(
            app,
            "update lms.users set status = 'active' where id = $1",
            &[&user.id],
        )
        .await?;
        let overdue = "update lms.one_use_tokens set expires_at = now() - interval '1 second'";
        queries::execute(app, overdue, &[]).await?;
        let reply = post(app, "/v1/auth/password-reset/confirm", body)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/token"]);
        let made_up = json!({"token": "made-up", "password": NEW_PASSWORD});
        post(app, "/v1/auth/password-reset/confirm", made_up)
            .await?
            .expect(422);
        app.sign_in_as("aurora", &user.email, &user.password)
            .await?;
        Ok(())
    });
}

#[test]
fn no_secret_is_stored_or_shown_in_plain_text() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::ADMIN);
        let first = "the first of 3 pass phrases";
        let created = json!({"name": "Ana", "email": "ana@aurora.example", "role": "support", "password": first});
        let request = app
            .request(Method::POST, "/v1/users")
            .bearer_auth(&admin.token)
            .header("idempotency-key", "ana")
            .json(&created);
        let mut shown = vec![send(request).await?.expect(201).text];
        let changed = json!({"current": user.password, "new": NEW_PASSWORD});
        shown.push(
            app.post(&admin, "/v1/auth/password", changed)
                .await?
                .expect(204)
                .text,
        );
        shown.push(
            ask_for_reset(app, "aurora", "ana@aurora.example")
                .await?
                .expect(202)
                .text,
        );
        let token = notifications::latest_code(app).await?;
        let notified = queries::fetch_texts(
            app,
            "select message from lms.notifications where message like '%{{token}}%'",
            &[],
        )
        .await?;
        assert_eq!(notified.len(), 1);
        for path in [
            "/v1/users",
            "/v1/auth/sessions",
            "/v1/auth/me",
            "/v1/events?limit=200",
        ] {
            shown.push(app.get(&admin, path).await?.expect(200).text);
        }
        let second = "the second of 3 pass phrases";
        let confirmed = json!({"token": token, "password": second});
        shown.push(
            post(app, "/v1/auth/password-reset/confirm", confirmed)
                .await?
                .expect(204)
                .text,
        );

        let secrets = [
            user.password.as_str(),
            NEW_PASSWORD,
            first,
            second,
            &token,
            &admin.token,
            &admin.refresh_token,
        ];
        for text in &shown {
            assert!(
                !text.contains("argon2") && !text.contains("password_hash"),
                "{text}"
            );
            for secret in secrets {
                assert!(!text.contains(secret), "{text}");
            }
        }
        let tables = "select table_name::text from information_schema.tables
            where table_schema = 'lms' and table_type = 'BASE TABLE'";
        for table in queries::fetch_texts(app, tables, &[]).await? {
            for secret in secrets {
                let from = format!("lms.{table} as t where strpos(t::text, $1) > 0");
                assert_eq!(
                    queries::count(app, &from, &[&secret]).await?,
                    0,
                    "a secret is in {table}"
                );
            }
            if table != "users" {
                let from = format!(
                    "lms.{table} as t where t::text like '%argon2%' or t::text like '%password_hash%'"
                );
                assert_eq!(
                    queries::count(app, &from, &[]).await?,
                    0,
                    "a hash is in {table}"
                );
            }
        }
        Ok(())
    });
}
