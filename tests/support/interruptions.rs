//! Waiting for what a test holds up: locks, connections and answers in their bounds.
//! The tests of interruptions live in the room `guarantees`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::{Application, Reply};

/// More than any answer may take: the longest time-out behind one is 20 seconds.
pub const BOUND: Duration = Duration::from_secs(60);

/// A centre to make, with its code.
pub fn centre(code: &str) -> Value {
    json!({"name": "Lakeside", "code": code, "time_zone": "UTC", "currency": "EUR"})
}

/// The name of the test's own database, and its superuser beside it.
pub async fn beside(app: &Application) -> Result<(String, Client)> {
    let (server, name) = app
        .superuser_url
        .rsplit_once('/')
        .context("a database's name")?;
    Ok((
        name.to_owned(),
        database::connect(&format!("{server}/postgres")).await?,
    ))
}

/// The answer, which comes within [`BOUND`].
///
/// # Errors
///
/// When it does not, or is an error.
pub async fn within<T>(what: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(BOUND, what).await.context("no answer in time")?
}

/// The answer of a service that cannot serve now: when to come again, and nothing of what is inside.
///
/// # Panics
///
/// When it is another answer.
#[track_caller]
pub fn is_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text);
    let seconds: u32 = reply.header("retry-after").parse().unwrap_or(0);
    assert!(seconds > 0, "{}", reply.header("retry-after"));
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["type"], "/problems/unavailable");
    for internal in ["postgres", "connection", "lock", "timeout", "test_"] {
        assert!(!reply.text.contains(internal), "{}", reply.text);
    }
}

/// Waits until a backend of the test's database waits for a lock.
pub async fn until_waiting(client: &Client, database: &str, waiting: bool) -> Result<()> {
    let sql = "select exists (
      select from pg_stat_activity
      where datname = $1 and usename = 'lms_application' and wait_event_type = 'Lock'
    )";
    let seen = async {
        loop {
            let found: bool = client.query_one(sql, &[&database]).await?.get(0);
            if found == waiting {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(seen).await
}

/// Ends the application's connections.
pub async fn disconnect(server: &Client, database: &str) -> Result<()> {
    server
        .execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where datname = $1 and usename = 'lms_application'",
            &[&database],
        )
        .await?;
    Ok(())
}

/// Has whoever makes a centre of the tenant, or writes where writers take turns, wait until the transaction ends.
pub async fn hold_writers(holder: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    holder
        .execute(
            "select lms_private.acquire_write_lock(t.tenant_id) from lms.tenants as t where t.tenant_id = $1 for update",
            &[&tenant],
        )
        .await?;
    Ok(())
}
