//! Reads PostgreSQL's log, and causes errors that are in it. The test that searches it for values is in `logged_values`.

use anyhow::{Result, ensure};
use platform::sql::database::CALL;
use platform::sql::statement::Sql;
use serde_json::json;
use tests::{Application, Server, role};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::marked_requests::MARK;

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

fn errors(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.contains("ERROR:") || line.contains(",ERROR,"))
        .collect()
}

/// Restarts the server with settings with which it logs more than with ours.
pub(crate) async fn make_verbose(app: &Application, server: &Server) -> Result<()> {
    for setting in VERBOSE_SETTINGS {
        app.superuser().await?.batch_execute(setting).await?;
    }
    server.stop().await?;
    server.start().await
}

/// Returns the log, in which there may be no error so far.
pub(crate) async fn without_errors(app: &Application, server: &Server) -> Result<String> {
    let text = logged_until(app, server, "first-control").await?;
    let unexpected: Vec<&str> = errors(&text)
        .into_iter()
        .filter(|line| !line.contains("first-control"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    Ok(text)
}

/// Causes errors on the server that are logged, and returns the log with them.
pub(crate) async fn with_errors(app: &Application, server: &Server) -> Result<String> {
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
    Ok(text)
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
