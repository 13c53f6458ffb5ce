//! Filling the queues of webhooks from the event log.
//! Queued events are delivered in `deliveries`.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::message::{REQUEST_ID, Webhook};

/// The largest number of events that one transaction reads.
const MAX_EVENTS_PER_TRANSACTION: i64 = 1000;

/// Queues the sealed events of all tenants for the active webhooks that have subscribed to them.
pub(super) async fn fill(client: &mut Client, now: DateTime<Utc>) -> Result<()> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
    let rows = transaction
        .query(
            "select t.tenant_id, t.webhook_id
            from lms_private.webhooks_with_unqueued_events() as t",
            &[],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    for row in rows {
        let webhook = Webhook::read(&row);
        while queue_events(client, webhook, now).await? == MAX_EVENTS_PER_TRANSACTION {}
    }
    Ok(())
}

/// Queues the next events of one webhook, unless another worker is doing so, and returns how many were read. An event that was queued
/// and finished before is delivered again, because a replay has put the position back.
async fn queue_events(client: &mut Client, webhook: Webhook, now: DateTime<Utc>) -> Result<i64> {
    let transaction = tenant::begin(client, webhook.tenant, REQUEST_ID).await?;
    let row = transaction
        .query_opt(
            include_str!("queue_events.sql"),
            &[
                &webhook.tenant,
                &webhook.id,
                &now,
                &MAX_EVENTS_PER_TRANSACTION,
            ],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.map_or(0, |row| row.get(0)))
}
