//! Retention: deleted rows are removed for good when the time in which they could be restored is over.
//! The tables, their order, and the reasons for keeping a row are defined in the schema (`lms_private.purge_deleted`).

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::report::{NotRemoved, Report};

/// The largest number of rows that one transaction removes, so that no request waits for a large removal.
const MAX_ROWS_PER_TRANSACTION: i32 = 1000;

/// The request id of its transactions in the event log.
const REQUEST_ID: &str = "retention";

/// The tables with deleted rows, referring tables before those that they refer to.
pub(crate) async fn tables(client: &mut Client) -> Result<Vec<String>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
    let rows = transaction
        .query("select t from lms_private.retained_tables() as t", &[])
        .await
        .map_err(explain)
        .context("cannot list the tables with deleted rows")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Removes the rows that a tenant has deleted and can no longer restore. A table that fails is reported and does not hold up the others.
pub(crate) async fn remove(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    tables: &[String],
    now: DateTime<Utc>,
    report: &mut Report,
) -> Result<()> {
    for table in due(client, tenant, tables, now).await? {
        match purge(client, tenant, &table, now, &mut report.removed).await {
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

/// The tables that have rows to remove.
async fn due(
    client: &mut Client,
    tenant: Uuid,
    tables: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
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

/// Removes all rows of a table that can be removed.
async fn purge(
    client: &mut Client,
    tenant: Uuid,
    table: &str,
    now: DateTime<Utc>,
    removed: &mut u64,
) -> Result<()> {
    loop {
        let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
        let row = transaction
            .query_one(
                "select lms_private.purge_deleted($1, $2, $3)",
                &[&table, &now, &MAX_ROWS_PER_TRANSACTION],
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
