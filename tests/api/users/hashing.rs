//! Passwords are hashed a few at a time: those who wait for that wait in a short line, and hold up nobody else.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, role, rows, run};

use crate::users::sign_in_limits::accounts;

/// More than can wait, and more than there are rooms for requests.
const MANY: usize = 300;

/// Asks as many times at once, and meanwhile reads as somebody else; returns the answers.
async fn beside_a_reader(
    app: &Application,
    ask: impl AsyncFn(usize) -> Result<Reply>,
) -> Result<Vec<Reply>> {
    let reader = app.sign_in(role::ADMIN).await?;
    let many = futures::future::try_join_all((0..MANY).map(|number| ask(number)));
    let reads = async {
        for _ in 0..20 {
            app.get(&reader, "/v1/users?limit=20").await?.expect(200);
        }
        anyhow::Ok(())
    };
    let (answers, reads) = tokio::join!(many, reads);
    reads?;
    answers
}

/// Some were answered with `status`, and all others were told when to come again.
fn ensure_served_or_told(answers: &[Reply], status: u16) -> Result<()> {
    let (served, told): (Vec<_>, Vec<_>) = answers.iter().partition(|reply| reply.status == status);
    ensure!(served.len() > 1, "nobody was served");
    ensure!(told.len() > 1, "the line has no end");
    for reply in told {
        ensure!(reply.status == 503, "{} {}", reply.status, reply.text);
        ensure!(reply.json()["type"] == "/problems/unavailable");
        ensure!(!reply.header("retry-after").is_empty());
    }
    Ok(())
}

#[test]
fn sign_ins_beyond_a_short_line_are_told_to_come_again_and_readers_are_served() {
    run(async |app| {
        // One for everybody, for few attempts at an account are let in at a time.
        accounts(app, MANY).await?;
        let password = &app.user(0, role::PARENT).password;
        let ask = async |number: usize| {
            let email = format!("ana{}@aurora.example", number + 1);
            let body = json!({"tenant": "aurora", "email": email, "password": password});
            app.call(None, Method::POST, "/v1/auth/login", Some(body))
                .await
        };
        ensure_served_or_told(&beside_a_reader(app, ask).await?, 200)?;
        // Attempts that nobody looked at count for nothing.
        assert_eq!(rows::count(app, "lms.sign_in_failures", &[]).await?, 0);
        Ok(())
    });
}

#[test]
fn accounts_made_with_a_password_wait_in_the_same_line() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let ask = async |number| {
            let body = json!({"name": "Ada", "email": format!("ada{number}@aurora.example"), "role": "tutor",
                "password": "a river runs past 7 lamps"});
            app.post(&admin, "/v1/users", body).await
        };
        let answers = beside_a_reader(app, ask).await?;
        ensure_served_or_told(&answers, 201)?;
        let made = answers.iter().filter(|reply| reply.status == 201).count();
        let listed = rows::count(app, "lms.users where name = 'Ada'", &[]).await?;
        ensure!(
            listed == i64::try_from(made)?,
            "{made} of {listed} are told"
        );
        Ok(())
    });
}

#[test]
fn what_hashes_is_reached_by_no_client() {
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
