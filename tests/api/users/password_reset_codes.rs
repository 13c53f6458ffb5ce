//! Tests that password reset requests reveal nothing about accounts, and how codes are invalidated.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, notifications, queries, role, run};

const NEW_PASSWORD: &str = "a river runs past 7 lamps";

async fn request_reset(app: &Application, tenant: &str, email: &str) -> Result<Reply> {
    let body = json!({"tenant": tenant, "email": email});
    app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
        .await
}

async fn confirm(app: &Application, request_code: &str) -> Result<Reply> {
    let body = json!({"token": request_code, "password": NEW_PASSWORD});
    app.call(
        None,
        Method::POST,
        "/v1/auth/password-reset/confirm",
        Some(body),
    )
    .await
}

/// Requests a reset for the address and returns its code.
async fn request_code(app: &Application, email: &str) -> Result<String> {
    request_reset(app, "aurora", email).await?.expect(202);
    notifications::send_reset_codes(app).await?;
    notifications::latest_code(app).await
}

/// Returns the reads and writes of a reset request, by table.
async fn statements_of_reset(app: &Application, tenant: &str, email: &str) -> Result<Vec<String>> {
    let mut client = app.superuser().await?;
    let transaction = client.transaction().await?;
    transaction
        .execute(
            "select lms.request_password_reset($1, $2, '192.0.2.1')",
            &[&tenant, &email],
        )
        .await?;
    let rows = transaction
        .query(
            "select concat_ws(' ', schemaname, relname, seq_scan, seq_tup_read, idx_scan, n_tup_ins, n_tup_upd, n_tup_del)
            from pg_stat_xact_user_tables
            where seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0
            order by 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[test]
fn a_reset_request_does_the_same_work_for_every_address() {
    run(async |app| {
        let inactive = app.user(0, role::SUPPORT);
        queries::execute(
            app,
            "update lms.users set status = 'inactive' where id = $1",
            &[&inactive.id],
        )
        .await?;
        let user = app.user(0, role::PARENT);
        let real = statements_of_reset(app, "aurora", &user.email).await?;
        assert!(
            real.iter()
                .all(|line| !line.contains(" users ") && !line.contains(" notifications ")),
            "{real:?}"
        );
        for (tenant, email) in [
            ("aurora", "nobody@aurora.example"),
            ("aurora", inactive.email.as_str()),
            ("harbour", user.email.as_str()),
            ("nowhere", user.email.as_str()),
        ] {
            assert_eq!(
                statements_of_reset(app, tenant, email).await?,
                real,
                "{tenant} {email}"
            );
        }
        Ok(())
    });
}

#[test]
fn reset_requests_are_limited_equally_with_and_without_an_account() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        for email in [user.email.as_str(), "nobody@aurora.example"] {
            for _ in 0..10 {
                request_reset(app, "aurora", email).await?.expect(202);
            }
            let reply = request_reset(app, "aurora", email).await?.expect(429);
            let seconds: u32 = reply.header("retry-after").parse()?;
            assert!((1..=1800).contains(&seconds), "{seconds}");
        }
        // Other users may still request a reset.
        request_reset(app, "aurora", &app.user(0, role::SUPPORT).email)
            .await?
            .expect(202);
        request_reset(app, "harbour", &user.email)
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let sent =
            queries::count(app, "lms.one_use_tokens where user_id = $1", &[&user.id]).await?;
        assert_eq!(sent, 3);
        Ok(())
    });
}

#[test]
fn reset_requests_for_many_accounts_from_one_address_are_limited() {
    run(async |app| {
        request_reset(app, "aurora", "nobody@aurora.example")
            .await?
            .expect(202);
        queries::execute(
            app,
            crate::users::sign_in_limits::REPEAT_FAILURE_99_TIMES,
            &[],
        )
        .await?;
        request_reset(app, "aurora", "somebody@aurora.example")
            .await?
            .expect(429);
        request_reset(app, "harbour", "somebody@aurora.example")
            .await?
            .expect(202);
        Ok(())
    });
}

#[test]
fn a_code_is_invalidated_by_a_newer_one() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        let first = request_code(app, &user.email).await?;
        let second = request_code(app, &user.email).await?;
        assert_ne!(first, second);
        let reply = confirm(app, &first).await?.expect(422);
        assert_eq!(reply.pointers(), ["/token"]);
        // The e-mail with the first code is not sent any more.
        let waiting = "lms_private.notification_secrets where token is not null";
        assert_eq!(queries::count(app, waiting, &[]).await?, 1);
        confirm(app, &second).await?.expect(204);
        Ok(())
    });
}

/// Runs a change of the support user's account, after which an earlier code must be invalid.
async fn assert_code_invalidated_by(
    app: &Application,
    what: &str,
    cause: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    let user = app.user(0, role::SUPPORT);
    // Earlier codes are removed, because only a few are sent to an address in a short time.
    queries::execute(app, "delete from lms.one_use_tokens", &[]).await?;
    let email = queries::fetch_texts(
        app,
        "select email from lms.users where id = $1",
        &[&user.id],
    )
    .await?;
    let request_code = request_code(app, email.first().context("an address")?).await?;
    cause(app).await?;
    let reply = confirm(app, &request_code).await?.expect(422);
    assert_eq!(reply.pointers(), ["/token"], "{what}");
    let live = "lms.one_use_tokens where user_id = $1 and used_at is null";
    assert_eq!(queries::count(app, live, &[&user.id]).await?, 0, "{what}");
    assert_eq!(
        queries::count(
            app,
            "lms_private.notification_secrets where token is not null",
            &[]
        )
        .await?,
        0,
        "{what}"
    );
    Ok(())
}

#[test]
fn a_code_is_invalidated_by_changes_and_deletion_of_the_account() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let user = app.user(0, role::SUPPORT);
        let path = format!("/v1/users/{}", user.id);
        let post = async |app: &Application, action: &str| {
            let action = format!("{path}/{action}");
            app.call(Some(&admin), Method::POST, &action, None).await
        };
        let patch = async |app: &Application, body: Value| {
            app.patch(&admin, &path, body).await?.expect(200);
            anyhow::Ok(())
        };
        assert_code_invalidated_by(app, "password", async |app| {
            let session = app.sign_in(role::SUPPORT).await?;
            let body = json!({"current": user.password, "new": NEW_PASSWORD});
            app.post(&session, "/v1/auth/password", body)
                .await?
                .expect(204);
            Ok(())
        })
        .await?;
        assert_code_invalidated_by(app, "email", async |app| {
            patch(app, json!({"email": "moved@aurora.example"})).await
        })
        .await?;
        assert_code_invalidated_by(app, "status", async |app| {
            post(app, "deactivate").await?.expect(200);
            post(app, "activate").await?.expect(200);
            Ok(())
        })
        .await?;
        assert_code_invalidated_by(app, "role", async |app| {
            patch(app, json!({"role": "assessor"})).await?;
            patch(app, json!({"role": "support"})).await
        })
        .await?;
        assert_code_invalidated_by(app, "tenant", async |app| {
            for status in ["inactive", "active"] {
                let sql = "update lms.tenants set status = $1 where slug = 'aurora'";
                queries::execute(app, sql, &[&status]).await?;
            }
            Ok(())
        })
        .await?;
        let admin = app.sign_in(role::ADMIN).await?;
        assert_code_invalidated_by(app, "deletion", async |app| {
            for deleted in ["now()", "null"] {
                let sql = format!("update lms.users set deleted_at = {deleted} where id = $1");
                queries::execute(app, &sql, &[&user.id]).await?;
            }
            Ok(())
        })
        .await?;
        // A change that does not affect signing in leaves a code valid.
        let email = "moved@aurora.example";
        queries::execute(app, "delete from lms.one_use_tokens", &[]).await?;
        let request_code = request_code(app, email).await?;
        app.patch(&admin, &path, json!({"name": "Another Name"}))
            .await?
            .expect(200);
        confirm(app, &request_code).await?.expect(204);
        Ok(())
    });
}

#[test]
fn guessed_codes_are_limited_and_do_not_block_a_valid_one() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        let request_code = request_code(app, &user.email).await?;
        confirm(app, "made-up").await?.expect(422);
        queries::execute(
            app,
            crate::users::sign_in_limits::REPEAT_FAILURE_99_TIMES,
            &[],
        )
        .await?;
        let reply = confirm(app, "made-up").await?.expect(429);
        assert!(!reply.header("retry-after").is_empty());
        let body = json!({"token": "made-up"});
        app.call(None, Method::POST, "/v1/auth/email/confirm", Some(body))
            .await?
            .expect(429);
        confirm(app, &request_code).await?.expect(204);
        Ok(())
    });
}

#[test]
fn a_code_used_concurrently_works_once() {
    run(async |app| {
        let user = app.user(0, role::PARENT);
        let request_code = request_code(app, &user.email).await?;
        let attempts: Vec<_> = (0..12)
            .map(|_| {
                let request = app
                    .request(Method::POST, "/v1/auth/password-reset/confirm")
                    .json(&json!({"token": request_code, "password": NEW_PASSWORD}));
                tokio::spawn(tests::send(request))
            })
            .collect();
        let mut good = 0;
        for attempt in attempts {
            let reply = attempt.await??;
            assert!([204, 422, 429].contains(&reply.status), "{}", reply.text);
            good += i32::from(reply.status == 204);
        }
        assert_eq!(good, 1);
        Ok(())
    });
}
