//! The months of the event log: each is a partition, made before it begins.

use anyhow::{Context, Result};
use chrono::{DateTime, Months, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST;

/// How far ahead they are made.
const AHEAD: Months = Months::new(3);

/// Makes those that are missing, and counts them. Several workers do so in turn, which is that of no tenant.
pub(crate) async fn make(client: &mut Client, now: DateTime<Utc>) -> Result<i32> {
    let until = now.date_naive() + AHEAD;
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
    tenant::take_turn(&transaction, Uuid::nil()).await?;
    let row = transaction
        .query_one("select lms.make_event_partitions($1)", &[&until])
        .await
        .map_err(explain)
        .context("cannot make the event log's next months")?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.get(0))
}
