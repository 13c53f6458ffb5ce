//! Tests that no log contains user input: PostgreSQL's, the host's and the worker's.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use chrono::Utc;

use platform::sql::database::CALL;
use platform::sql::statement::Sql;
use serde_json::json;
use tests::{Application, Server, role, run_on_own_server};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::marked_requests::{DIGITS, MARK, Sender};

/// The environment variable of the process that does the work, whose output is a log as well.
const INNER_PROCESS: &str = "LMS_TEST_SERVER_LOG";

/// Settings with which the server logs more than with ours: all parts of every error, in both
/// formats. The application must keep values out of the log with PostgreSQL's defaults, too, and
/// with CloudNativePG's.
const VERBOSE_SETTINGS: [&str; 5] = [
    "alter system set logging_collector = on",
    "alter system set log_destination = 'stderr,csvlog'",
    "alter system set log_error_verbosity = default",
    "alter system set log_min_error_statement = error",
    "alter system reset log_parameter_max_length_on_error",
];

/// Returns the server's whole log.
fn logged(server: &Server) -> Result<String> {
    let data = server.data()?;
    let mut text = String::new();
    for directory in [data.clone(), data.join("log")] {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|end| end == "log" || end == "csv")
            {
                text.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
            }
        }
    }
    Ok(text)
}

/// Returns the lines that contain marked input.
fn marked(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.to_lowercase().contains(MARK) || line.contains(DIGITS))
        .collect()
}

fn errors(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.contains("ERROR:") || line.contains(",ERROR,"))
        .collect()
}

#[test]
fn no_user_input_is_logged() {
    if std::env::var_os(INNER_PROCESS).is_some() {
        run_on_own_server(send_marked_requests);
        return;
    }
    // The components write to the standard error of the process that serves them, so the test runs
    // itself in another process and reads that process's output.
    let name = "server_log::no_user_input_is_logged";
    let output = std::env::current_exe()
        .and_then(|program| {
            Command::new(program)
                .args(["--exact", name, "--nocapture"])
                .env(INNER_PROCESS, "1")
                .output()
        })
        .expect("the test runs once more");
    let (output_text, error_text) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{output_text}\n{error_text}");
    assert!(output_text.contains("1 passed"), "{output_text}");
    for text in [output_text, error_text] {
        assert!(marked(&text).is_empty(), "{:#?}", marked(&text));
    }
}

async fn send_marked_requests(app: &Application, server: &Server) -> Result<()> {
    for setting in VERBOSE_SETTINGS {
        app.superuser().await?.batch_execute(setting).await?;
    }
    server.stop().await?;
    server.start().await?;

    let mut sender = Sender::new(app).await?;
    for _ in 0..2 {
        sender.send_all().await?;
    }
    sign_in_wrongly(app).await?;
    erase_person(app).await?;
    worker::run_once(&app.superuser_url, Utc::now()).await?;
    for status in [200, 201, 400, 401, 403, 404, 409, 412, 422] {
        let count = sender.statuses.get(&status).copied().unwrap_or_default();
        ensure!(count > 0, "never {status}: {:?}", sender.statuses);
    }

    let text = logged_until(app, server, "first-control").await?;
    assert!(marked(&text).is_empty(), "{:#?}", marked(&text));
    let unexpected: Vec<&str> = errors(&text)
        .into_iter()
        .filter(|line| !line.contains("first-control"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");

    // Errors on the server must contain no data.
    time_out(app).await?;
    left_inside_a_transaction(app).await?;
    let text = logged_until(app, server, "last-control").await?;
    for expected in ["statement timeout", "invalid transaction termination"] {
        assert!(
            errors(&text).iter().any(|line| line.contains(expected)),
            "{expected}: {:#?}",
            errors(&text)
        );
    }
    assert!(marked(&text).is_empty(), "{:#?}", marked(&text));
    Ok(())
}

/// Causes an error with a known word, and returns the log once the error is there in both formats. The server logs in the order
/// of its responses, so that earlier data would be in the log, too.
async fn logged_until(app: &Application, server: &Server, word: &str) -> Result<String> {
    let superuser = app.superuser().await?;
    ensure!(
        superuser
            .batch_execute(&format!("select '{word}'::uuid"))
            .await
            .is_err()
    );
    for _ in 0..1000 {
        let text = logged(server)?;
        if errors(&text)
            .iter()
            .filter(|line| line.contains(word))
            .count()
            == 2
        {
            return Ok(text);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("{word} is never logged")
}

async fn sign_in_wrongly(app: &Application) -> Result<()> {
    let slug = &app.demo.tenants[0].slug;
    for (tenant, email) in [
        (slug.as_str(), "admin@aurora.example"),
        (slug.as_str(), "zqmk@aurora.example"),
        ("zqmk", "zqmk@aurora.example"),
    ] {
        let body = json!({"tenant": tenant, "email": email, "password": "zqmk-a-password"});
        for _ in 0..7 {
            let request = app
                .request(http::Method::POST, "/v1/auth/login")
                .json(&body);
            let reply = tests::send(request).await?;
            ensure!([401, 429].contains(&reply.status), "{}", reply.text);
        }
    }
    let body =
        json!({"token": format!("{MARK}-{}", "x".repeat(40)), "password": "zqmk-a-password"});
    let request = app
        .request(http::Method::POST, "/v1/auth/password-reset/confirm")
        .json(&body);
    ensure!(tests::send(request).await?.status >= 400);
    Ok(())
}

async fn erase_person(app: &Application) -> Result<()> {
    let admin = app.session(0, role::ADMIN).await?;
    let body = json!({"name": "zqmk Byron", "email": "zqmk.erased@work.example", "phone": format!("+44{DIGITS}"), "role": "parent"});
    let created = app
        .post(&admin, "/v1/users", body.clone())
        .await?
        .expect(201)
        .json();
    app.post(&admin, "/v1/users", body).await?.expect(409);
    let path = format!(
        "/v1/privacy/subjects/{}/erase",
        created["id"].as_str().context("an id")?
    );
    let reply = app
        .post(&admin, &path, json!({"reason": "zqmk asked"}))
        .await?;
    ensure!(reply.status < 500, "{}", reply.text);
    Ok(())
}

/// Connects as the components' role in the context of an admin.
async fn application(app: &Application) -> Result<(Client, String)> {
    let session = app.session(0, role::ADMIN).await?;
    let context = json!({
        "region": "eu",
        "tenant": session.tenant,
        "user": session.user,
        "session": session.id,
        "role": "admin",
        "request_id": "r-1",
    });
    let client = database::connect(&app.application_url).await?;
    Ok((client, context.to_string()))
}

async fn time_out(app: &Application) -> Result<()> {
    let (client, context) = application(app).await?;
    client
        .batch_execute("set statement_timeout = '200ms'")
        .await?;
    let text = "select pg_sleep(20)::text || ($1->>'name'), null";
    let arguments = json!({"name": format!("{MARK} Byron")}).to_string();
    for statement in [
        Sql::from(text).prepared("tries"),
        Sql::from(text).unprepared(),
    ] {
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&context, &statement.name, &statement.text, &arguments];
        let Err(error) = client.query_one(CALL, &parameters).await else {
            anyhow::bail!("the statement is not cancelled")
        };
        ensure!(
            error.code().is_some_and(|code| code.code() == "57014"),
            "{error:?}"
        );
    }
    Ok(())
}

async fn left_inside_a_transaction(app: &Application) -> Result<()> {
    let (client, context) = application(app).await?;
    client.batch_execute("begin").await?;
    let statement = Sql::from("select $1::text, null").prepared("tries");
    let arguments = json!({"id": Uuid::nil(), "name": format!("{MARK} Byron")}).to_string();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&context, &statement.name, &statement.text, &arguments];
    let Err(error) = client.query_one(CALL, &parameters).await else {
        anyhow::bail!("the statement succeeds")
    };
    ensure!(
        error.code().is_some_and(|code| code.code() == "2D000"),
        "{error:?}"
    );
    Ok(())
}
