//! The queue of webhooks as a worker sees it: filling it from the event log, taking from it, and recording what became of it.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use database::{explain, tenant};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::message::{Answer, Delivery, Webhook};
use super::signature::Secret;
use crate::delivery::outcome::Verdict;

/// What the transactions of a delivery are called in the event log.
const REQUEST: &str = "webhooks";

/// Most events that are looked at in one transaction.
const BATCH: i64 = 1000;

/// Queues the sealed events of all tenants that active webhooks are to be told of.
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
        while queue(client, webhook, now).await? == BATCH {}
    }
    Ok(())
}

/// Queues the next events of one webhook, unless somebody else is at it, and says how many were looked at. An event that was queued
/// before, and has come to its end, is delivered again: the position was put back.
async fn queue(client: &mut Client, webhook: Webhook, now: DateTime<Utc>) -> Result<i64> {
    let transaction = tenant::begin(client, webhook.tenant, REQUEST).await?;
    let row = transaction
        .query_opt(
            "-- webhooks.queue
            with turn as (
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
                and e.position > (select t.position from turn as t)
              order by e.position
              limit $4
            ), queued as (
              insert into lms.webhook_deliveries as d (
                tenant_id, webhook_id, position, event_id, event_at, kind, next_attempt_at
              )
              select $1, $2, s.position, s.id, s.at, s.kind, $3
              from seen as s
              cross join turn as t
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

/// The webhooks that have something due, without those of these ids.
pub(super) async fn due(
    client: &mut Client,
    now: DateTime<Utc>,
    busy: &[Uuid],
) -> Result<Vec<Webhook>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
    let rows = transaction
        .query(
            "select t.tenant_id, t.webhook_id
            from lms_private.webhooks_with_due_deliveries($1, $2) as t",
            &[&now, &busy],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(Webhook::read).collect())
}

/// Takes what has been due longest, for as long as `lease`. What others are taking is passed over.
pub(super) async fn take(
    client: &mut Client,
    webhook: Webhook,
    now: DateTime<Utc>,
    most: i64,
    lease: Duration,
) -> Result<Vec<Delivery>> {
    let transaction = tenant::begin(client, webhook.tenant, REQUEST).await?;
    let rows = transaction
        .query(
            "-- webhooks.take
            with due as (
              select d.id
              from lms.webhook_deliveries as d
              where d.tenant_id = $1
                and d.webhook_id = $2
                and d.delivered_at is null
                and d.dead_at is null
                and d.next_attempt_at <= $3
              order by d.next_attempt_at, d.position
              limit $4
              for update skip locked
            ), taken as (
              update lms.webhook_deliveries as d
              set
                attempts = d.attempts + 1,
                last_attempt_at = $3,
                next_attempt_at = $3::timestamptz + make_interval(secs => $5)
              from due
              where d.tenant_id = $1
                and d.id = due.id
              returning d.id, d.attempts, d.event_id, d.event_at, d.position
            )
            select
              t.id,
              t.attempts,
              t.event_id,
              w.url,
              case when e.id is not null then lms_private.webhook_body(e) end,
              array(
                select s.secret
                from lms.webhook_secrets as s
                where s.tenant_id = $1
                  and s.webhook_id = $2
                  and coalesce(s.expires_at > $3, true)
                order by s.expires_at desc nulls first
              )
            from taken as t
            join lms.webhooks as w
              on w.tenant_id = $1
              and w.id = $2
            left join lms.event_log as e
              on e.tenant_id = $1
              and e.position = t.position
              and e.at = t.event_at
            order by t.position",
            &[
                &webhook.tenant,
                &webhook.id,
                &now,
                &most,
                &lease.as_secs_f64(),
            ],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| Delivery {
            webhook,
            id: row.get(0),
            attempt: row.get(1),
            event: row.get(2),
            url: row.get(3),
            body: row.get(4),
            secrets: row
                .get::<_, Vec<&[u8]>>(5)
                .into_iter()
                .filter_map(Secret::new)
                .collect(),
        })
        .collect())
}

/// Records what became of an attempt, and disables a webhook that wants no more or has failed for too long.
pub(super) async fn record(
    client: &mut Client,
    delivery: &Delivery,
    answer: &Answer,
    verdict: &Verdict,
    now: DateTime<Utc>,
) -> Result<()> {
    let transaction = tenant::begin(client, delivery.webhook.tenant, REQUEST).await?;
    let status = answer.status.map(i32::from);
    match verdict {
        Verdict::Sent(_) => sent(&transaction, delivery, status, now).await?,
        Verdict::Retry(reason, wait) => {
            retry(&transaction, delivery, status, reason, now, *wait).await?;
        }
        Verdict::Dead(reason) => {
            dead(&transaction, delivery, status, reason, now).await?;
            if answer.is_farewell() {
                disable(&transaction, delivery, reason, now, TimeDelta::zero()).await?;
            } else {
                let reason = format!("no delivery succeeded for 5 days; last error: {reason}");
                disable(&transaction, delivery, &reason, now, TimeDelta::days(5)).await?;
            }
        }
    }
    transaction.commit().await.map_err(explain)
}

/// Whoever got it through, it is through: also when the attempt had been given up for lost.
async fn sent(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    status: Option<i32>,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .execute(
            "-- webhooks.sent
            update lms.webhook_deliveries as d
            set
              delivered_at = $3,
              dead_at = null,
              last_status = $4,
              last_error = null
            where d.tenant_id = $1
              and d.id = $2
              and d.delivered_at is null",
            &[&delivery.webhook.tenant, &delivery.id, &now, &status],
        )
        .await
        .map_err(explain)?;
    // Once a minute is enough to know that it works.
    transaction
        .execute(
            "-- webhooks.succeeded
            update lms.webhook_queues as q
            set succeeded_at = $3::timestamptz
            where q.tenant_id = $1
              and q.id = $2
              and q.succeeded_at < $3::timestamptz - interval '1 minute'",
            &[&delivery.webhook.tenant, &delivery.webhook.id, &now],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn retry(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    status: Option<i32>,
    reason: &str,
    now: DateTime<Utc>,
    wait: Duration,
) -> Result<()> {
    transaction
        .execute(
            "-- webhooks.retry
            update lms.webhook_deliveries as d
            set
              next_attempt_at = $4::timestamptz + make_interval(secs => $5),
              last_status = $6,
              last_error = $7
            where d.tenant_id = $1
              and d.id = $2
              and d.attempts = $3
              and d.delivered_at is null",
            &[
                &delivery.webhook.tenant,
                &delivery.id,
                &delivery.attempt,
                &now,
                &wait.as_secs_f64(),
                &status,
                &reason,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn dead(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    status: Option<i32>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .execute(
            "-- webhooks.dead
            update lms.webhook_deliveries as d
            set
              dead_at = $4,
              last_status = $5,
              last_error = $6
            where d.tenant_id = $1
              and d.id = $2
              and d.attempts = $3
              and d.delivered_at is null",
            &[
                &delivery.webhook.tenant,
                &delivery.id,
                &delivery.attempt,
                &now,
                &status,
                &reason,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Disables a webhook to which nothing could be delivered for a time.
async fn disable(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    reason: &str,
    now: DateTime<Utc>,
    failing_for: TimeDelta,
) -> Result<()> {
    transaction
        .execute(
            "-- webhooks.disable
            update lms.webhooks as w
            set
              status = 'disabled',
              disabled_at = $3,
              disabled_reason = $4
            from lms.webhook_queues as q
            where w.tenant_id = $1
              and w.id = $2
              and w.status = 'active'
              and q.tenant_id = w.tenant_id
              and q.id = w.id
              and q.succeeded_at <= $5",
            &[
                &delivery.webhook.tenant,
                &delivery.webhook.id,
                &now,
                &reason,
                &(now - failing_for),
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
