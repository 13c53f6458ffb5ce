//! Tests that guessing passwords is limited, and that other users can still sign in.

use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use serde_json::json;
use tests::{Application, Reply, notifications, queries, role, run};

/// Inserts 99 copies of the latest failed sign-in, each for another account.
pub(crate) const REPEAT_FAILURE_99_TIMES: &str =
    "insert into lms.sign_in_failures (tenant_id, account, address, failed, device, origin)
    select f.tenant_id, sha256(convert_to(g.number::text, 'UTF8')), f.address, f.failed, f.device, f.origin
    from lms.sign_in_failures as f
    cross join generate_series(1, 99) as g (number)
    where f.failed
      and f.origin is not null
      and f.created_at = (select max(r.created_at) from lms.sign_in_failures as r)";

/// Sends a sign-in with this user agent, through a proxy that reports this address.
async fn login_from(
    app: &Application,
    (tenant, email, password): (&str, &str, &str),
    program: Option<&str>,
    address: Option<&str>,
) -> Result<Reply> {
    let mut request = app
        .request(Method::POST, "/v1/auth/login")
        .json(&json!({"tenant": tenant, "email": email, "password": password}));
    if let Some(program) = program {
        request = request.header("user-agent", program);
    }
    if let Some(address) = address {
        request = request.header("x-forwarded-for", address);
    }
    tests::send(request).await
}

async fn login(app: &Application, tenant: &str, email: &str, password: &str) -> Result<Reply> {
    login_from(app, (tenant, email, password), None, None).await
}

/// Moves all sign-in attempts this many minutes into the past.
async fn age_attempts(app: &Application, minutes: i32) -> Result<()> {
    app.superuser()
        .await?
        .batch_execute(&format!(
            "begin;
            set local session_replication_role = replica;
            update lms.sign_in_failures set created_at = created_at - interval '{minutes} minutes';
            commit"
        ))
        .await?;
    Ok(())
}

fn seconds(reply: &Reply) -> Result<u32> {
    reply.header("retry-after").parse().context("Retry-After")
}

#[test]
fn fifty_failed_attempts_from_one_address_do_not_block_others() {
    run(async |app| {
        for number in 0..50 {
            let email = format!("guess{number}@aurora.example");
            login(app, "aurora", &email, "not the password")
                .await?
                .expect(401);
        }
        for tenant in [0, 1] {
            app.sign_in_to(tenant, role::TUTOR).await?;
            app.sign_in_to(tenant, role::PARENT).await?;
        }
        Ok(())
    });
}

/// Creates this many accounts, `ana1@aurora.example` and so on, with the password of the demo parent.
pub(crate) async fn accounts(app: &Application, count: usize) -> Result<()> {
    let sql = "insert into lms.users (tenant_id, name, email, role, password_hash)
        select u.tenant_id, 'Ana', 'ana' || g.number || '@aurora.example', 'parent', u.password_hash
        from lms.users as u
        cross join generate_series(1, $2::integer) as g (number)
        where u.id = $1";
    let user = app.user(0, role::PARENT);
    queries::execute(app, sql, &[&user.id, &i32::try_from(count)?]).await?;
    Ok(())
}

#[test]
fn ninety_concurrent_correct_sign_ins_all_succeed() {
    run(async |app| {
        accounts(app, 90).await?;
        let user = app.user(0, role::PARENT);
        let attempts = (1..=90).map(async |number| {
            let email = format!("ana{number}@aurora.example");
            loop {
                let reply = login(app, "aurora", &email, &user.password).await?;
                if reply.status != 503 {
                    return anyhow::Ok(reply.expect(200));
                }
                // On a busy machine a sign-in may get a 503 and succeeds when it is repeated.
                let wait = Duration::from_secs(seconds(&reply)?.into());
                tokio::time::sleep(wait).await;
            }
        });
        futures::future::try_join_all(attempts).await?;
        assert_eq!(queries::count(app, "lms.sign_in_failures", &[]).await?, 0);
        Ok(())
    });
}

#[test]
fn guessing_many_accounts_from_one_address_is_limited_in_that_tenant_alone() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        // After a sign-in, the user's device is known, and the limit does not apply to it.
        app.sign_in(role::TUTOR).await?;
        login(app, "aurora", "guess@aurora.example", "not the password")
            .await?
            .expect(401);
        queries::execute(app, REPEAT_FAILURE_99_TIMES, &[]).await?;
        for email in ["another@aurora.example", &app.user(0, role::ADMIN).email] {
            let reply = login(app, "aurora", email, "not the password")
                .await?
                .expect(429);
            assert!((1..=900).contains(&seconds(&reply)?));
        }
        login(app, "aurora", &user.email, &user.password)
            .await?
            .expect(200);
        app.sign_in_to(1, role::ADMIN).await?;
        login(app, "nowhere", "another@aurora.example", "not the password")
            .await?
            .expect(401);
        age_attempts(app, 15).await?;
        app.sign_in(role::ADMIN).await?;
        Ok(())
    });
}

#[test]
fn guesses_at_unknown_tenants_are_limited_like_those_at_a_known_one() {
    run(async |app| {
        login(app, "nowhere", "guess@aurora.example", "not the password")
            .await?
            .expect(401);
        queries::execute(app, REPEAT_FAILURE_99_TIMES, &[]).await?;
        login(
            app,
            "elsewhere",
            "another@aurora.example",
            "not the password",
        )
        .await?
        .expect(429);
        app.sign_in(role::TUTOR).await?;
        login(app, "aurora", "another@aurora.example", "not the password")
            .await?
            .expect(401);
        Ok(())
    });
}

#[test]
fn guessing_one_account_is_delayed_progressively() {
    run(async |app| {
        let email = &app.user(0, role::ADMIN).email;
        for email in [email.as_str(), "nobody@aurora.example"] {
            queries::execute(app, "delete from lms.sign_in_failures", &[]).await?;
            for _ in 0..5 {
                login(app, "aurora", email, "not the password")
                    .await?
                    .expect(401);
            }
            let reply = login(app, "aurora", email, "not the password")
                .await?
                .expect(429);
            assert!((800..=900).contains(&seconds(&reply)?));
            age_attempts(app, 16).await?;
            let mut waits = Vec::new();
            for minutes in [2, 4, 8, 15] {
                login(app, "aurora", email, "not the password")
                    .await?
                    .expect(401);
                let reply = login(app, "aurora", email, "not the password")
                    .await?
                    .expect(429);
                waits.push(seconds(&reply)?.div_ceil(60));
                age_attempts(app, minutes).await?;
            }
            assert_eq!(waits, [2, 4, 8, 15]);
        }
        Ok(())
    });
}

#[test]
fn strangers_cannot_lock_users_out_of_their_known_devices() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let right = ("aurora", user.email.as_str(), user.password.as_str());
        let wrong = ("aurora", user.email.as_str(), "not the password");
        login_from(app, right, Some("Own/1.0"), None)
            .await?
            .expect(200);
        for _ in 0..5 {
            login_from(app, wrong, Some("Stranger/1.0"), None)
                .await?
                .expect(401);
        }
        login_from(app, wrong, Some("Stranger/1.0"), None)
            .await?
            .expect(429);
        login_from(app, right, Some("Other/1.0"), None)
            .await?
            .expect(429);
        login_from(app, right, Some("Own/1.0"), None)
            .await?
            .expect(200);
        // The user's sign-in does not reset the limit of strangers.
        login_from(app, wrong, Some("Stranger/1.0"), None)
            .await?
            .expect(429);
        // The device has a limit of its own.
        for _ in 0..5 {
            login_from(app, wrong, Some("Own/1.0"), None)
                .await?
                .expect(401);
        }
        login_from(app, right, Some("Own/1.0"), None)
            .await?
            .expect(429);
        Ok(())
    });
}

#[test]
fn a_locked_out_user_who_resets_the_password_signs_in_at_once() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        for _ in 0..5 {
            login(app, "aurora", &user.email, "not the password")
                .await?
                .expect(401);
        }
        login(app, "aurora", &user.email, &user.password)
            .await?
            .expect(429);
        let body = json!({"tenant": "aurora", "email": user.email});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let body = json!({"token": notifications::latest_code(app).await?, "password": "a river runs past 7 lamps"});
        app.call(
            None,
            Method::POST,
            "/v1/auth/password-reset/confirm",
            Some(body),
        )
        .await?
        .expect(204);
        app.sign_in_as("aurora", &user.email, "a river runs past 7 lamps")
            .await?;
        Ok(())
    });
}

#[test]
fn strangers_cannot_keep_a_signed_in_user_from_changing_the_password() {
    run(async |app| {
        let user = app.user(0, role::TUTOR);
        let session = app.sign_in(role::TUTOR).await?;
        let wrong = ("aurora", user.email.as_str(), "not the password");
        for _ in 0..5 {
            login_from(app, wrong, Some("Stranger/1.0"), None)
                .await?
                .expect(401);
        }
        let body = json!({"current": user.password, "new": "a river runs past 7 lamps"});
        app.post(&session, "/v1/auth/password", body)
            .await?
            .expect(204);
        Ok(())
    });
}

#[test]
fn behind_a_trusted_proxy_each_client_is_counted_separately() {
    run(async |app| {
        app.with_second_application(
            |variables| {
                variables.insert("trusted_proxies".to_owned(), "127.0.0.0/8".to_owned());
                variables.insert(
                    "client_address_header".to_owned(),
                    "x-forwarded-for".to_owned(),
                );
            },
            async |app| {
                let user = app.user(0, role::TUTOR);
                let wrong = ("aurora", "guess@aurora.example", "not the password");
                let right = ("aurora", user.email.as_str(), user.password.as_str());
                login_from(app, wrong, None, Some("203.0.113.7"))
                    .await?
                    .expect(401);
                queries::execute(app, REPEAT_FAILURE_99_TIMES, &[]).await?;
                // The client's own entry comes before the one that the proxy appends.
                login_from(app, right, None, Some("192.0.2.1, 203.0.113.7"))
                    .await?
                    .expect(429);
                let pair = login_from(app, right, None, Some("203.0.113.7, 192.0.2.1"))
                    .await?
                    .expect(200)
                    .json();
                let addresses = queries::fetch_texts(
                    app,
                    "select address from lms.sessions where user_id = $1 order by created_at desc",
                    &[&user.id],
                )
                .await?;
                assert_eq!(
                    addresses.first().map(String::as_str),
                    Some("192.0.2.1"),
                    "{pair}"
                );
                Ok(())
            },
        )
        .await
    });
}

#[test]
fn without_a_trusted_proxy_headers_do_not_change_the_client_address() {
    run(async |app| {
        let wrong = ("aurora", "guess@aurora.example", "not the password");
        login_from(app, wrong, None, Some("203.0.113.7"))
            .await?
            .expect(401);
        queries::execute(app, REPEAT_FAILURE_99_TIMES, &[]).await?;
        login_from(
            app,
            ("aurora", "other@aurora.example", "not the password"),
            None,
            Some("203.0.113.8"),
        )
        .await?
        .expect(429);
        Ok(())
    });
}
