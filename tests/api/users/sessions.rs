//! Tests signing in, refreshing, signing out, and the list of one's own sessions.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, queries, role, run};
use uuid::Uuid;

async fn login(app: &Application, tenant: &str, email: &str, password: &str) -> Result<Reply> {
    let body = json!({"tenant": tenant, "email": email, "password": password});
    app.call(None, Method::POST, "/v1/auth/login", Some(body))
        .await
}

async fn refresh(app: &Application, token: &str) -> Result<Reply> {
    let body = json!({"refresh_token": token});
    app.call(None, Method::POST, "/v1/auth/refresh", Some(body))
        .await
}

fn names(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

const USER: [&str; 13] = [
    "id",
    "centre_id",
    "name",
    "email",
    "phone",
    "role",
    "language_preferences",
    "accessibility_settings",
    "status",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
];

#[test]
fn signing_in_returns_tokens_the_user_and_the_tenant() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let reply = login(app, "aurora", &user.email.to_uppercase(), &user.password)
            .await?
            .expect(200);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("cache-control"), "no-store");
        let body = reply.json();
        let expected = [
            "access_token",
            "token_type",
            "expires_in",
            "refresh_token",
            "user",
            "tenant",
        ];
        assert_eq!(names(&body), BTreeSet::from(expected));
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 900);
        assert_eq!(body["refresh_token"].as_str().map(str::len), Some(43));
        assert_eq!(names(&body["user"]), BTreeSet::from(USER));
        assert_eq!(body["user"]["id"], json!(user.id));
        assert_eq!(body["user"]["email"], json!(user.email));
        assert_eq!(body["user"]["role"], "tutor");
        let tenant = json!({"id": app.demo.tenants[0].id, "slug": "aurora", "name": "Aurora Learning", "region": "eu", "language": null});
        assert_eq!(body["tenant"], tenant);

        let session = app.sign_in(role::TUTOR).await?;
        let me = app.get(&session, "/v1/auth/me").await?.expect(200).json();
        assert_eq!(me["user"], body["user"]);
        Ok(())
    });
}

#[test]
fn every_failed_sign_in_gets_the_same_response() {
    run(async |app| {
        let (inactive, deleted) = (app.user(0, role::SUPPORT), app.user(0, role::FINANCE));
        queries::execute(
            app,
            "update lms.users set status = 'inactive' where id = $1",
            &[&inactive.id],
        )
        .await?;
        queries::execute(
            app,
            "update lms.users set deleted_at = now() where id = $1",
            &[&deleted.id],
        )
        .await?;
        let user = app.user(0, role::ADMIN);
        let other = app.user(1, role::ADMIN);
        let replies = [
            login(app, "nowhere", &user.email, &user.password).await?,
            login(app, "harbour", &user.email, &user.password).await?,
            login(app, "aurora", &other.email, &other.password).await?,
            login(app, "aurora", "nobody@aurora.example", &user.password).await?,
            login(app, "aurora", &user.email, "not the password").await?,
            login(app, "aurora", &inactive.email, &inactive.password).await?,
            login(app, "aurora", &deleted.email, &deleted.password).await?,
        ];
        let shape = |reply: &Reply| {
            let mut body = reply.json();
            body["request_id"] = json!("");
            let headers: BTreeSet<String> = reply.headers.keys().map(ToString::to_string).collect();
            (reply.status, body, headers)
        };
        let expected = json!({
            "type": "/problems/credentials-refused",
            "title": "Sign-in refused",
            "status": 401,
            "detail": "The tenant, e-mail address or password is wrong, or the account is not active.",
            "request_id": "",
        });
        assert_eq!(shape(&replies[0]).0, 401);
        assert_eq!(shape(&replies[0]).1, expected);
        for reply in &replies {
            assert_eq!(shape(reply), shape(&replies[0]));
        }
        assert_eq!(
            queries::count(app, "lms.sessions where user_id = $1", &[&inactive.id]).await?,
            0
        );
        Ok(())
    });
}

#[test]
fn five_failures_lock_an_account_whether_it_exists_or_not() {
    run(async |app| {
        let user = app.user(0, role::ADMIN);
        for email in [user.email.as_str(), "nobody@aurora.example"] {
            for _ in 0..5 {
                login(app, "aurora", email, "not the password")
                    .await?
                    .expect(401);
            }
            let locked = login(app, "aurora", email, &user.password)
                .await?
                .expect(429);
            let seconds: u32 = locked
                .header("retry-after")
                .parse()
                .context("Retry-After")?;
            assert!((1..=900).contains(&seconds), "{seconds}");
            assert_eq!(locked.header("content-type"), "application/problem+json");
            assert_eq!(locked.json()["type"], "/problems/too-many-requests");
        }
        app.sign_in(role::STUDENT).await?;
        Ok(())
    });
}

#[test]
fn attempts_made_at_the_same_time_are_all_counted() {
    run(async |app| {
        let user = app.user(0, role::ADMIN);
        let attempts = (0..12).map(|_| {
            let request = app.request(Method::POST, "/v1/auth/login").json(
                &json!({"tenant": "aurora", "email": user.email, "password": "not the password"}),
            );
            tokio::spawn(tests::send(request))
        });
        let mut statuses = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            statuses.push(attempt.await??.status);
        }
        statuses.sort_unstable();
        assert_eq!(
            statuses,
            [401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429, 429]
        );
        Ok(())
    });
}

#[test]
fn a_correct_password_clears_the_failed_attempts() {
    run(async |app| {
        let user = app.user(0, role::ADMIN);
        for _ in 0..2 {
            for _ in 0..4 {
                login(app, "aurora", &user.email, "not the password")
                    .await?
                    .expect(401);
            }
            login(app, "aurora", &user.email, &user.password)
                .await?
                .expect(200);
        }
        assert_eq!(queries::count(app, "lms.sign_in_failures", &[]).await?, 0);
        Ok(())
    });
}

#[test]
fn a_refresh_token_is_exchanged_for_a_new_pair() {
    run(async |app| {
        let session = app.sign_in(role::PARENT).await?;
        let pair = refresh(app, &session.refresh_token)
            .await?
            .expect(200)
            .json();
        assert_ne!(pair["refresh_token"], json!(session.refresh_token));
        assert_eq!(pair["user"]["id"], json!(session.user));
        assert_eq!(pair["tenant"]["id"], json!(session.tenant));
        let mut renewed = session.clone();
        renewed.token = pair["access_token"].as_str().context("a token")?.to_owned();
        let me = app.get(&renewed, "/v1/auth/me").await?.expect(200).json();
        let before = app.get(&session, "/v1/auth/me").await?.expect(200).json();
        assert_eq!(
            me["session_id"], before["session_id"],
            "the session goes on"
        );
        Ok(())
    });
}

#[test]
fn reusing_a_refresh_token_ends_its_session_and_no_other() {
    run(async |app| {
        let stolen = app.sign_in(role::TUTOR).await?;
        let other = app.sign_in(role::TUTOR).await?;
        let pair = refresh(app, &stolen.refresh_token)
            .await?
            .expect(200)
            .json();
        let newest = pair["refresh_token"].as_str().context("a token")?;

        let rejected = refresh(app, &stolen.refresh_token).await?.expect(401);
        assert_eq!(rejected.json()["type"], "/problems/credentials-refused");
        refresh(app, newest).await?.expect(401);
        app.get(&stolen, "/v1/auth/me").await?.expect(401);
        app.get(&other, "/v1/auth/me").await?.expect(200);
        refresh(app, "not-a-token-of-anybody").await?.expect(401);
        let revoked = "lms.sessions where user_id = $1 and revoked_at is not null";
        assert_eq!(queries::count(app, revoked, &[&stolen.user]).await?, 1);
        let kinds = queries::count(
            app,
            "lms.event_log where tenant_id = $1 and kind = 'session.revoked'",
            &[&stolen.tenant],
        )
        .await?;
        assert_eq!(kinds, 1);
        Ok(())
    });
}

#[test]
fn a_refresh_token_presented_twenty_times_at_once_is_exchanged_once() {
    run(async |app| {
        let session = app.sign_in(role::TUTOR).await?;
        let attempts = (0..20).map(|_| {
            let body = json!({"refresh_token": session.refresh_token});
            tokio::spawn(tests::send(
                app.request(Method::POST, "/v1/auth/refresh").json(&body),
            ))
        });
        let mut exchanged = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            let reply = attempt.await??;
            assert!([200, 401].contains(&reply.status), "{}", reply.text);
            exchanged += i32::from(reply.status == 200);
        }
        assert_eq!(exchanged, 1);
        app.get(&session, "/v1/auth/me").await?.expect(401);
        Ok(())
    });
}

#[test]
fn signing_out_ends_the_tokens_at_once() {
    run(async |app| {
        let session = app.sign_in(role::FINANCE).await?;
        let other = app.sign_in(role::FINANCE).await?;
        let reply = app
            .call(Some(&session), Method::POST, "/v1/auth/logout", None)
            .await?
            .expect(204);
        assert_eq!(reply.text, "");
        let rejected = app.get(&session, "/v1/auth/me").await?.expect(401);
        assert_eq!(rejected.header("www-authenticate"), "Bearer");
        assert_eq!(rejected.json()["type"], "/problems/unauthenticated");
        app.get(&session, "/v1/users").await?.expect(401);
        refresh(app, &session.refresh_token).await?.expect(401);
        app.call(Some(&session), Method::POST, "/v1/auth/logout", None)
            .await?
            .expect(401);
        app.get(&other, "/v1/auth/me").await?.expect(200);
        Ok(())
    });
}

#[test]
fn users_see_and_end_only_their_own_sessions() {
    run(async |app| {
        let first = app.sign_in(role::STUDENT).await?;
        let second = app.sign_in(role::STUDENT).await?;
        let stranger = app.sign_in(role::ADMIN).await?;
        let strangers_account = app.get(&stranger, "/v1/auth/me").await?.expect(200).json();
        let own = app.get(&first, "/v1/auth/me").await?.expect(200).json();

        let list = app
            .get(&first, "/v1/auth/sessions")
            .await?
            .expect(200)
            .json();
        let data = list["data"].as_array().context("data")?;
        assert_eq!(list["next_cursor"], Value::Null);
        assert_eq!(data.len(), 2);
        let fields = [
            "id",
            "current",
            "user_agent",
            "address",
            "created_at",
            "last_used_at",
            "expires_at",
        ];
        assert_eq!(names(&data[0]), BTreeSet::from(fields));
        let current: Vec<&Value> = data.iter().filter(|one| one["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0]["id"], own["session_id"]);
        assert_eq!(current[0]["address"], "127.0.0.1");

        let other = data
            .iter()
            .find(|one| one["current"] == false)
            .context("the other")?;
        let path = format!(
            "/v1/auth/sessions/{}",
            other["id"].as_str().unwrap_or_default()
        );
        app.delete(&stranger, &path).await?.expect(404);
        app.get(&second, "/v1/auth/me").await?.expect(200);
        app.delete(&first, &path).await?.expect(204);
        app.get(&second, "/v1/auth/me").await?.expect(401);
        app.delete(&first, &path).await?.expect(404);
        let strangers_path = format!(
            "/v1/auth/sessions/{}",
            strangers_account["session_id"].as_str().unwrap_or_default()
        );
        app.delete(&first, &strangers_path).await?.expect(404);
        app.delete(&first, &format!("/v1/auth/sessions/{}", Uuid::now_v7()))
            .await?
            .expect(404);
        app.get(&stranger, "/v1/auth/me").await?.expect(200);
        let list = app
            .get(&first, "/v1/auth/sessions")
            .await?
            .expect(200)
            .json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
        Ok(())
    });
}

#[test]
fn me_returns_the_caller_for_every_role() {
    run(async |app| {
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let me = app.get(&session, "/v1/auth/me").await?.expect(200).json();
            let fields = ["user", "tenant", "role", "region", "scopes", "session_id"];
            assert_eq!(names(&me), BTreeSet::from(fields));
            assert_eq!(me["user"]["id"], json!(session.user));
            assert_eq!(names(&me["user"]), BTreeSet::from(USER));
            assert_eq!(me["tenant"]["id"], json!(session.tenant));
            assert_eq!(me["role"], role.name());
            assert_eq!(me["region"], "eu");
            let scope = match role {
                role::ADMIN | role::FINANCE | role::SUPPORT => "tenant",
                role::SUPERVISOR | role::ASSESSOR => "centre",
                role::TUTOR => "assigned_students",
                role::PARENT => "children",
                role::STUDENT => "own",
                other => unreachable!("the role {} has no scope", other.name()),
            };
            assert_eq!(me["scopes"], json!([scope]));
        }
        app.call(None, Method::GET, "/v1/auth/me", None)
            .await?
            .expect(401);
        Ok(())
    });
}
