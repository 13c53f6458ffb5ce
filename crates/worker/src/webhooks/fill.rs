//! Filling the queues of webhooks from the event log.
//! Delivering what is queued lives in `deliveries`.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::message::{REQUEST, Webhook};

/// The largest number of events that one transaction reads.
const BATCH: i64 = 1000;

/// Queues the sealed events of all tenants for the active webhooks that have subscribed to them.
pub(super) async fn fill(client: &mut Client, now: DateTime<Utc>) -> Result<()> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
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
        while queue_events(client, webhook, now).await? == BATCH {}
    }
    Ok(())
}

/// Queues the next events of one webhook, unless another worker is doing so, and returns how many were read. An event that was queued
/// and finished before is delivered again, because a replay has put the position back.
async fn queue_events(client: &mut Client, webhook: Webhook, now: DateTime<Utc>) -> Result<i64> {
    let transaction = tenant::begin(client, webhook.tenant, REQUEST).await?;
    let row = transaction
        .query_opt(
            "-- webhooks.queue
            with locked as (
              select q.position, w.kinds
              from lms.webhook_queues as q
              join lms.webhooks as w
                on w.tenant_id = q.tenant_id
                and w.id = q.id
              where q.tenant_id = $1
                and q.id = $2
                and w.status = 'active'
                and w.deleted_at is null
              for update of q skip locked
            ), seen as (
              select e.position, e.id, e.at, e.kind, e.entity
              from lms.event_log as e
              where e.tenant_id = $1
                and e.position > (select t.position from locked as t)
              order by e.position
              limit $4
            ), queued as (
              insert into lms.webhook_deliveries as d (
                tenant_id, webhook_id, position, event_id, event_at, kind, next_attempt_at
              )
              select $1, $2, s.position, s.id, s.at, s.kind, $3
              from seen as s
              cross join locked as t
              where t.kinds = '[]'
                or t.kinds ? s.kind
                or t.kinds ? s.entity
              on conflict (tenant_id, webhook_id, position) do update
              set
                attempts = 0,
                next_attempt_at = excluded.next_attempt_at,
                last_attempt_at = null,
                last_status = null,
                last_error = null,
                delivered_at = null,
                dead_at = null
              where d.delivered_at is not null
                or d.dead_at is not null
            )
            update lms.webhook_queues as q
            set position = s.position
            from (select max(n.position) as position, count(*) as count from seen as n) as s
            where q.tenant_id = $1
              and q.id = $2
              and s.count > 0
            returning s.count",
            &[&webhook.tenant, &webhook.id, &now, &BATCH],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(row.map_or(0, |row| row.get(0)))
}
