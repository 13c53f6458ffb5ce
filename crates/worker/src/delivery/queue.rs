//! The outbox as a worker sees it: which tenants have something due, taking it, and recording what became of it.

use std::time::Duration;

use anyhow::Result;
use database::{explain, tenant};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::outcome::Verdict;
use super::provider::{Channel, Message};

/// What the transactions of a delivery are called in the event log.
const REQUEST: &str = "delivery";

/// A delivery that this worker has for a while.
pub(super) struct Delivery {
    notification: Uuid,
    /// The number of this attempt, from 1.
    pub(super) attempt: i32,
    /// What is to be sent.
    pub(super) message: Message,
    /// Why it is not to be sent any more.
    pub(super) obstacle: Option<String>,
}

/// The active tenants that have something due.
pub(super) async fn tenants(client: &mut Client, channel: Channel) -> Result<Vec<Uuid>> {
    let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
    let rows = transaction
        .query(
            "select t.tenant_id
            from lms_private.tenants_with_due_deliveries($1) as t",
            &[&channel.name()],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Answers the password resets that were asked for: who has such an account is sent a code.
pub(super) async fn answer_resets(client: &mut Client) -> Result<()> {
    loop {
        let transaction = tenant::begin(client, Uuid::nil(), REQUEST).await?;
        let row = transaction
            .query_one("select lms_private.process_reset_requests()", &[])
            .await
            .map_err(explain)?;
        transaction.commit().await.map_err(explain)?;
        if row.get::<_, i32>(0) == 0 {
            return Ok(());
        }
    }
}

/// Takes what has been due longest, for as long as `lease`. What others are taking is passed over. Secrets are filled in here, and
/// are nowhere but in this program's memory.
pub(super) async fn take(
    client: &mut Client,
    tenant: Uuid,
    channel: Channel,
    most: i64,
    lease: Duration,
) -> Result<Vec<Delivery>> {
    let transaction = tenant::begin(client, tenant, REQUEST).await?;
    let rows = transaction
        .query(
            "-- deliveries.take
            with due as (
              select d.id
              from lms.notification_deliveries as d
              where d.type = $2
                and d.delivered_at is null
                and d.dead_at is null
                and d.next_attempt_at <= now()
              order by d.next_attempt_at
              limit $3
              for update skip locked
            ), taken as (
              update lms.notification_deliveries as d
              set
                attempts = d.attempts + 1,
                next_attempt_at = now() + make_interval(secs => $4)
              from due
              where d.tenant_id = $1
                and d.id = due.id
              returning d.id, d.notification_id, d.attempts
            )
            select
              t.id,
              t.notification_id,
              t.attempts,
              u.id,
              coalesce(k.address, u.email),
              u.phone,
              coalesce(nullif(regexp_replace(n.subject, '\\s+', ' ', 'g'), ''), o.name),
              case
                when e.secret is null then n.message
                else replace(n.message, '{{' || e.secret || '}}', coalesce(k.token, ''))
              end,
              case
                when e.secret is not null and k.token is null then 'the code in it has expired'
                else case lms_private.notification_obstacle(n.tenant_id, n.user_id, n.type, n.template)
                  when 'inactive' then 'the user is not active any more'
                  when 'no_phone' then 'the user has no telephone number any more'
                  when 'opted_out' then 'the user has opted out of it'
                end
              end
            from taken as t
            join lms.notifications as n
              on n.tenant_id = $1
              and n.id = t.notification_id
            join lms.users as u
              on u.tenant_id = n.tenant_id
              and u.id = n.user_id
            join lms.tenants as o
              on o.tenant_id = n.tenant_id
            left join lms_private.notification_events as e
              on e.key = n.template
            left join lms_private.notification_secrets as k
              on k.tenant_id = n.tenant_id
              and k.notification_id = n.id
              and k.expires_at > now()",
            &[&tenant, &channel.name(), &most, &lease.as_secs_f64()],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(rows
        .iter()
        .map(|row| Delivery {
            notification: row.get(1),
            attempt: row.get(2),
            message: Message {
                key: row.get(0),
                user: row.get(3),
                email: row.get(4),
                phone: row.get(5),
                subject: row.get(6),
                text: row.get(7),
            },
            obstacle: row.get(8),
        })
        .collect())
}

/// Records what became of an attempt.
pub(super) async fn record(
    client: &mut Client,
    tenant: Uuid,
    delivery: &Delivery,
    provider: &str,
    verdict: &Verdict,
) -> Result<()> {
    let transaction = tenant::begin(client, tenant, REQUEST).await?;
    match verdict {
        Verdict::Sent(id) => sent(&transaction, tenant, delivery, provider, id).await?,
        Verdict::Retry(reason, wait) => {
            retry(&transaction, tenant, delivery, reason, *wait).await?;
        }
        Verdict::Dead(reason) => dead(&transaction, tenant, delivery, reason).await?,
    }
    transaction.commit().await.map_err(explain)
}

/// Locks a notification before its delivery, as whoever has it tried again does: neither then waits for the other.
async fn hold(transaction: &Transaction<'_>, tenant: Uuid, notification: Uuid) -> Result<()> {
    transaction
        .execute(
            "select
            from lms.notifications as n
            where n.tenant_id = $1
              and n.id = $2
            for no key update",
            &[&tenant, &notification],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Whoever got it through, it is through: also when the attempt had been given up for lost.
async fn sent(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    delivery: &Delivery,
    provider: &str,
    id: &str,
) -> Result<()> {
    hold(transaction, tenant, delivery.notification).await?;
    let id: String = id.chars().take(200).collect();
    let count = transaction
        .execute(
            "update lms.notification_deliveries as d
            set
              delivered_at = now(),
              dead_at = null,
              last_error = null,
              provider = $3,
              provider_id = $4
            where d.tenant_id = $1
              and d.id = $2
              and d.delivered_at is null",
            &[&tenant, &delivery.message.key, &provider, &id],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        return Ok(());
    }
    settle(transaction, tenant, delivery, "sent", None).await?;
    transaction
        .execute(
            "delete from lms_private.notification_secrets as k
            where k.tenant_id = $1
              and k.notification_id = $2",
            &[&tenant, &delivery.notification],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn retry(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    delivery: &Delivery,
    reason: &str,
    wait: Duration,
) -> Result<()> {
    transaction
        .execute(
            "update lms.notification_deliveries as d
            set
              next_attempt_at = now() + make_interval(secs => $4),
              last_error = $5
            where d.tenant_id = $1
              and d.id = $2
              and d.attempts = $3
              and d.delivered_at is null",
            &[
                &tenant,
                &delivery.message.key,
                &delivery.attempt,
                &wait.as_secs_f64(),
                &reason,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn dead(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    delivery: &Delivery,
    reason: &str,
) -> Result<()> {
    hold(transaction, tenant, delivery.notification).await?;
    let count = transaction
        .execute(
            "update lms.notification_deliveries as d
            set
              dead_at = now(),
              last_error = $4
            where d.tenant_id = $1
              and d.id = $2
              and d.attempts = $3
              and d.delivered_at is null",
            &[&tenant, &delivery.message.key, &delivery.attempt, &reason],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        return Ok(());
    }
    settle(transaction, tenant, delivery, "failed", Some(reason)).await
}

/// Writes the outcome into the log of notifications.
async fn settle(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    delivery: &Delivery,
    status: &str,
    failure: Option<&str>,
) -> Result<()> {
    transaction
        .execute(
            "update lms.notifications as n
            set
              status = $3,
              delivered_at = case when $3 = 'sent' then now() end,
              attempts = $4,
              failure = $5
            where n.tenant_id = $1
              and n.id = $2",
            &[
                &tenant,
                &delivery.notification,
                &status,
                &delivery.attempt,
                &failure,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
