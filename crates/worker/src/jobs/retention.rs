//! Retention: what a tenant deleted goes for good when the time is over in which it could be restored.
//!
//! Which tables, in which order and what holds a row is the schema's business (`lms_private.purge_deleted`). A few rows at a time, each
//! time in a transaction of its own, so that nobody waits for a large removal.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::report::{NotRemoved, Report};

/// Rows of one transaction, at the most.
const BATCH: i32 = 1000;

/// What its transactions are called in the event log.
const REQUEST: &str = "retention";

/// The tables that it is about, those that refer before those that are referred to.
pub(crate) async fn tables(client: &mut Client) -> Result<Vec<String>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
    let rows = transaction
        .query("select t from lms_private.retained_tables() as t", &[])
        .await
        .map_err(explain)
        .context("cannot find out which tables have deleted rows")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Removes what a tenant deleted and can't restore any more. A table that fails is reported and holds up no other.
pub(crate) async fn remove(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    tables: &[String],
    now: DateTime<Utc>,
    report: &mut Report,
) -> Result<()> {
    for table in due(client, tenant, tables, now).await? {
        match empty(client, tenant, &table, now, &mut report.removed).await {
            Ok(()) => {}
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => report.not_removed.push(NotRemoved {
                tenant: slug.to_owned(),
                table,
                reason: format!("{error:#}"),
            }),
        }
    }
    Ok(())
}

/// Those of the tables that have rows whose time is over.
async fn due(
    client: &mut Client,
    tenant: Uuid,
    tables: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let transaction = tenant::begin(client, tenant, REQUEST).await?;
    let rows = transaction
        .query(
            "select t from lms_private.tables_to_purge($1, $2) as t",
            &[&tables, &now],
        )
        .await
        .map_err(explain)
        .context("cannot look for deleted rows")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Removes all rows of a table that can go.
async fn empty(
    client: &mut Client,
    tenant: Uuid,
    table: &str,
    now: DateTime<Utc>,
    removed: &mut u64,
) -> Result<()> {
    loop {
        let transaction = tenant::begin(client, tenant, REQUEST).await?;
        let row = transaction
            .query_one(
                "select lms_private.purge_deleted($1, $2, $3)",
                &[&table, &now, &BATCH],
            )
            .await
            .map_err(explain)?;
        transaction.commit().await.map_err(explain)?;
        match u64::try_from(row.get::<_, i64>(0)) {
            Ok(count) if count > 0 => *removed += count,
            _ => return Ok(()),
        }
    }
}
