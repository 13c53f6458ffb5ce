//! One measurement of the cell's state: the statements, and their results.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use database::{explain, server_certificate_expiry, tenant};
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

/// The request id of its transactions, which write nothing.
const REQUEST_ID: &str = "measurement";

/// The state of a cell. Ages are in seconds.
#[derive(Debug, Default)]
pub(super) struct Measurement {
    pub(super) cell: Cell,
    /// The outbox of each channel.
    pub(super) outbox: Vec<(String, Queue)>,
    pub(super) webhooks: Queue,
    /// The number of webhooks whose last attempts failed, or that were disabled because of it.
    pub(super) failing_webhooks: f64,
    /// The age of each view's data.
    pub(super) views: Vec<(String, f64)>,
    /// The age of the last backup in each repository, by the number of the repository.
    pub(super) backups: Vec<(i64, f64)>,
    /// The time for which finished segments have waited for archiving; none if the server does not archive.
    pub(super) archive_gap: Option<f64>,
    /// The last time at which no finished segment waited.
    pub(super) archived_until: Option<DateTime<Utc>>,
    /// The end of the server certificate's validity, in seconds since 1970; none for a connection without TLS.
    pub(super) certificate_expiry: Option<f64>,
}

/// The identity of the cell, and what it has one of.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) name: String,
    pub(super) region: String,
    /// The number of the last migration.
    pub(super) schema_version: f64,
    pub(super) database_bytes: f64,
    /// The age of the oldest event that is not sealed.
    pub(super) sealing_lag: f64,
    /// The number of lessons to come that were cancelled because they clash.
    pub(super) clashes: f64,
}

/// The state of a queue of deliveries.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The number of due deliveries.
    pub(super) depth: f64,
    /// The time for which the first of them has been due.
    pub(super) oldest_age: f64,
    pub(super) dead_letters: f64,
}

/// Measures the state of a cell over a new connection, so that the certificate is the present one.
///
/// # Errors
///
/// When the database fails, or is not a cell.
pub(super) async fn take(
    database_url: &str,
    archived_until: Option<DateTime<Utc>>,
) -> Result<Measurement> {
    let mut client = database::connect(database_url).await?;
    let transaction = tenant::begin(&mut client, Uuid::nil(), REQUEST_ID).await?;
    let (webhooks, failing_webhooks) = webhooks(&transaction).await?;
    let (archive_gap, archived_until) = archive(&transaction, archived_until).await?;
    Ok(Measurement {
        cell: cell(&transaction).await?,
        outbox: outbox(&transaction).await?,
        webhooks,
        failing_webhooks,
        views: views(&transaction).await?,
        backups: backups(&transaction).await?,
        archive_gap,
        archived_until,
        certificate_expiry: server_certificate_expiry(),
    })
}

async fn cell(transaction: &Transaction<'_>) -> Result<Cell> {
    let row = transaction
        .query_opt(include_str!("cell.sql"), &[])
        .await
        .map_err(explain)?
        .context("the database is not a cell yet: run `lms migrate` with --cell")?;
    Ok(Cell {
        name: row.get(0),
        region: row.get(1),
        schema_version: row.get(2),
        database_bytes: row.get(3),
        sealing_lag: row.get(4),
        clashes: row.get(5),
    })
}

async fn outbox(transaction: &Transaction<'_>) -> Result<Vec<(String, Queue)>> {
    let rows = transaction
        .query(
            "-- cell_state.outbox
            select
              o.depth::float8,
              coalesce(extract(epoch from clock_timestamp() - o.oldest_due_at), 0)::float8,
              o.dead_letters::float8,
              o.type
            from lms_private.measure_outbox() as o",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| (row.get(3), Queue::read(row)))
        .collect())
}

/// Returns the queue of webhooks, and the number of failing ones.
async fn webhooks(transaction: &Transaction<'_>) -> Result<(Queue, f64)> {
    let row = transaction
        .query_one(
            "-- cell_state.webhooks
            select
              w.depth::float8,
              coalesce(extract(epoch from clock_timestamp() - w.oldest_due_at), 0)::float8,
              w.dead_letters::float8,
              w.failing::float8
            from lms_private.measure_webhooks() as w",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok((Queue::read(&row), row.get(3)))
}

async fn views(transaction: &Transaction<'_>) -> Result<Vec<(String, f64)>> {
    let rows = transaction
        .query(
            "-- cell_state.views
            select v.view, extract(epoch from clock_timestamp() - v.refreshed_at)::float8
            from lms_private.view_refreshes as v",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn backups(transaction: &Transaction<'_>) -> Result<Vec<(i64, f64)>> {
    let rows = transaction
        .query(
            "-- cell_state.backups
            select b.repository::bigint, extract(epoch from clock_timestamp() - b.ended_at)::float8
            from lms_private.backups as b",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Returns the gap of the archive, and the last time at which there was none. After a quiet night the last segment was archived hours
/// before the next one is finished, and that is no gap: so it begins when nothing waited for the last time.
async fn archive(
    transaction: &Transaction<'_>,
    archived_until: Option<DateTime<Utc>>,
) -> Result<(Option<f64>, Option<DateTime<Utc>>)> {
    let row = transaction
        .query_opt(include_str!("archive.sql"), &[&archived_until])
        .await
        .map_err(explain)?;
    Ok(match row {
        Some(row) if row.get(0) => (Some(row.get(1)), archived_until),
        Some(row) => (Some(0.0), Some(row.get(2))),
        None => (None, None),
    })
}

impl Queue {
    /// Reads the first three columns.
    fn read(row: &Row) -> Self {
        Self {
            depth: row.get(0),
            oldest_age: row.get(1),
            dead_letters: row.get(2),
        }
    }
}
