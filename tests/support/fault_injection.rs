//! Blocks and breaks database connections, and waits for responses with a time limit.
//! The tests that use it are in `tests/guarantees/`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::{Application, Reply};

/// The time limit for a response, which exceeds the longest timeout in the product, 20 seconds.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the body of a centre with this code.
pub fn centre_body(code: &str) -> Value {
    json!({"name": "Lakeside", "code": code, "time_zone": "UTC", "currency": "EUR"})
}

/// Returns the name of the test's database and a superuser connection to another database of the same server.
pub async fn database_name_and_server(app: &Application) -> Result<(String, Client)> {
    let (server, name) = app
        .superuser_url
        .rsplit_once('/')
        .context("the URL names no database")?;
    Ok((
        name.to_owned(),
        database::connect(&format!("{server}/postgres")).await?,
    ))
}

/// Waits for a response within [`RESPONSE_TIMEOUT`].
///
/// # Errors
///
/// When none arrives in time, or the request fails.
pub async fn within_timeout<T>(response: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(RESPONSE_TIMEOUT, response)
        .await
        .context("no answer in time")?
}

/// Asserts a 503 response with `Retry-After` and without internal details.
///
/// # Panics
///
/// When the response is another one.
#[track_caller]
pub fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text);
    let seconds: u32 = reply.header("retry-after").parse().unwrap_or(0);
    assert!(seconds > 0, "{}", reply.header("retry-after"));
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["type"], "/problems/unavailable");
    for internal in ["postgres", "connection", "lock", "timeout", "test_"] {
        assert!(!reply.text.contains(internal), "{}", reply.text);
    }
}

/// Waits until a backend of the test's database waits for a lock, or until none does.
pub async fn wait_until_blocked(client: &Client, database: &str, waiting: bool) -> Result<()> {
    let sql = "select exists (
      select from pg_stat_activity
      where datname = $1 and wait_event_type = 'Lock'
    )";
    let wait = async {
        loop {
            let found: bool = client.query_one(sql, &[&database]).await?.get(0);
            if found == waiting {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within_timeout(wait).await
}

/// Waits until a statement of the test's database waits for a lock, and commits the transaction that holds it.
pub async fn commit_when_waited_for(app: &Application, holder: &Client) -> Result<()> {
    let observer = app.superuser().await?;
    let database: String = observer
        .query_one("select current_database()", &[])
        .await?
        .get(0);
    wait_until_blocked(&observer, &database, true).await?;
    Ok(holder.batch_execute("commit").await?)
}

/// Terminates the application's connections.
pub async fn terminate_connections(server: &Client, database: &str) -> Result<()> {
    server
        .execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where datname = $1 and usename = 'lms_application'",
            &[&database],
        )
        .await?;
    Ok(())
}

/// Blocks serialized writers of the tenant, and requests that create a centre, until the transaction ends.
pub async fn block_writers(holder: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    holder
        .execute(
            "select lms_private.acquire_write_lock(t.tenant_id) from lms.tenants as t where t.tenant_id = $1 for update",
            &[&tenant],
        )
        .await?;
    Ok(())
}
