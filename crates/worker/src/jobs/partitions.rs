//! The partitions of the event log, one for each month, created before the month begins.
//! The partitioning itself lives in `migrations/baseline`.

use anyhow::{Context, Result};
use chrono::{DateTime, Months, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::REQUEST_ID;

/// The time for which they are created ahead.
const PARTITION_LEAD_TIME: Months = Months::new(3);

/// Creates the missing partitions and returns their number. The lock of the nil tenant serializes the workers.
pub(crate) async fn create(client: &mut Client, now: DateTime<Utc>) -> Result<i32> {
    let until = now.date_naive() + PARTITION_LEAD_TIME;
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
    tenant::serialize_writers(&transaction, Uuid::nil()).await?;
    let row = transaction
        .query_one("select lms.make_event_partitions($1)", &[&until])
        .await
        .map_err(explain)
        .context("cannot create the event log's next partitions")?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.get(0))
}
