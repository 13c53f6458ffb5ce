//! Tests that passwords are hashed a few at a time, with a short queue, without delaying other requests.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, queries, role, run};

use crate::users::sign_in_limits::accounts;

/// The number of concurrent sign-ins, more than the queue and the request slots hold.
const CONCURRENT_SIGN_INS: usize = 300;

/// Sends concurrent requests while another user reads, and returns the responses.
async fn send_concurrently_with_reader(
    app: &Application,
    send: impl AsyncFn(usize) -> Result<Reply>,
) -> Result<Vec<Reply>> {
    let reader = app.sign_in(role::ADMIN).await?;
    let requests =
        futures::future::try_join_all((0..CONCURRENT_SIGN_INS).map(|number| send(number)));
    let reads = async {
        for _ in 0..20 {
            app.get(&reader, "/v1/users?limit=20").await?.expect(200);
        }
        anyhow::Ok(())
    };
    let (answers, reads) = tokio::join!(requests, reads);
    reads?;
    answers
}

/// Asserts that some responses have `status` and all others are a 503 with `Retry-After`.
fn ensure_served_or_unavailable(answers: &[Reply], status: u16) -> Result<()> {
    let (served, rejected): (Vec<_>, Vec<_>) =
        answers.iter().partition(|reply| reply.status == status);
    ensure!(served.len() > 1, "hardly any request was served");
    ensure!(rejected.len() > 1, "the queue has no limit");
    for reply in rejected {
        ensure!(reply.status == 503, "{} {}", reply.status, reply.text);
        ensure!(reply.json()["type"] == "/problems/unavailable");
        ensure!(!reply.header("retry-after").is_empty());
    }
    Ok(())
}

#[test]
fn sign_ins_beyond_a_short_queue_get_a_503_and_readers_are_served() {
    run(async |app| {
        // Each sign-in has an account of its own, because concurrent attempts at one account are limited.
        accounts(app, CONCURRENT_SIGN_INS).await?;
        let password = &app.user(0, role::PARENT).password;
        let send = async |number: usize| {
            let email = format!("ana{}@aurora.example", number + 1);
            let body = json!({"tenant": "aurora", "email": email, "password": password});
            app.call(None, Method::POST, "/v1/auth/login", Some(body))
                .await
        };
        ensure_served_or_unavailable(&send_concurrently_with_reader(app, send).await?, 200)?;
        // Attempts that got a 503 are not counted as failures.
        assert_eq!(queries::count(app, "lms.sign_in_failures", &[]).await?, 0);
        Ok(())
    });
}

#[test]
fn creating_accounts_with_passwords_uses_the_same_queue() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let send = async |number| {
            let body = json!({"name": "Ada", "email": format!("ada{number}@aurora.example"), "role": "tutor",
                "password": "a river runs past 7 lamps"});
            app.post(&admin, "/v1/users", body).await
        };
        let answers = send_concurrently_with_reader(app, send).await?;
        ensure_served_or_unavailable(&answers, 201)?;
        let created = answers.iter().filter(|reply| reply.status == 201).count();
        let listed = queries::count(app, "lms.users where name = 'Ada'", &[]).await?;
        ensure!(
            listed == i64::try_from(created)?,
            "{created} responses report {listed} accounts"
        );
        Ok(())
    });
}

#[test]
fn the_hashing_component_is_not_reachable_by_clients() {
    run(async |app| {
        let question: Value = json!({"password": "a river runs past 7 lamps"});
        for path in ["/hash", "/match", "/passwords/hash"] {
            let question = Some(question.clone());
            let reply = app.call(None, Method::POST, path, question).await?;
            reply.expect(404);
        }
        Ok(())
    });
}
