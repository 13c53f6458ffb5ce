//! The deliveries of webhooks as a queue: claiming what is due, posting it, and recording the outcome.
//! Retries are scheduled in `queue`, the queues are filled from the event log in `fill`, and messages are posted in `sender`.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use database::{explain, tenant};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::fill;
use super::message::{Delivery, Message, REQUEST_ID, Webhook};
use super::sender::Sender;
use super::signature::Secret;
use crate::queue::{
    AttemptMetrics, AttemptOutcome, Claim, Queue, QueueSettings, Response, RetrySchedule,
};

const CLAIM: &str = include_str!("claim.sql");

/// The retry schedule that Standard Webhooks recommends, over three days. A message in flight costs little, so that one worker serves
/// all receivers side by side; a receiver that fails gets one message at a time until it accepts one.
static SETTINGS: QueueSettings = QueueSettings {
    noun: "webhook messages",
    retries: RetrySchedule {
        delays: &[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
        jitter: 0.9..=1.1,
        max_retry_after: Duration::from_secs(24 * 3600),
    },
    max_per_partition: 4,
    max_per_failing_partition: 1,
    max_in_flight: 256,
};

/// A webhook to which nothing has been delivered for this time is disabled.
const MAX_FAILING_TIME: TimeDelta = TimeDelta::days(5);

/// The deliveries of all webhooks.
pub(super) struct Deliveries<'a> {
    sender: &'a Sender,
    attempts: AttemptMetrics,
}

impl<'a> Deliveries<'a> {
    pub(super) fn new(sender: &'a Sender) -> Self {
        Self {
            sender,
            attempts: AttemptMetrics::of_webhooks(),
        }
    }
}

impl Queue for Deliveries<'_> {
    type Partition = Webhook;
    type Message = Message;

    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn tenant(&self, webhook: Webhook) -> Uuid {
        webhook.tenant
    }

    fn settings(&self) -> &'static QueueSettings {
        &SETTINGS
    }

    fn attempts(&self) -> &AttemptMetrics {
        &self.attempts
    }

    fn timeout(&self) -> Duration {
        self.sender.timeout()
    }

    async fn fill(&self, client: &mut Client, now: DateTime<Utc>) -> Result<()> {
        fill::fill(client, now).await
    }

    async fn due(
        &self,
        client: &mut Client,
        now: DateTime<Utc>,
        full: &[Webhook],
    ) -> Result<Vec<Webhook>> {
        let full: Vec<Uuid> = full.iter().map(|webhook| webhook.id).collect();
        let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
        let rows = transaction
            .query(
                "select t.tenant_id, t.webhook_id
                from lms_private.webhooks_with_due_deliveries($1, $2) as t",
                &[&now, &full],
            )
            .await
            .map_err(explain)?;
        Ok(rows.iter().map(Webhook::read).collect())
    }

    async fn claim(
        &self,
        client: &mut Client,
        webhook: Webhook,
        claim: Claim,
    ) -> Result<Vec<Delivery>> {
        let transaction = tenant::begin(client, webhook.tenant, REQUEST_ID).await?;
        let rows = transaction
            .query(
                CLAIM,
                &[
                    &webhook.tenant,
                    &webhook.id,
                    &claim.now,
                    &claim.limit,
                    &claim.lease.as_secs_f64(),
                ],
            )
            .await
            .map_err(explain)?;
        transaction.commit().await.map_err(explain)?;
        Ok(rows
            .iter()
            .map(|row| Delivery {
                partition: webhook,
                id: row.get(0),
                attempt: row.get(1),
                message: Message {
                    event: row.get(2),
                    url: row.get(3),
                    body: row.get(4),
                    secrets: row
                        .get::<_, Vec<&[u8]>>(5)
                        .into_iter()
                        .filter_map(Secret::new)
                        .collect(),
                },
            })
            .collect())
    }

    async fn send(&self, delivery: &Delivery, now: DateTime<Utc>) -> Response {
        self.sender.post(&delivery.message, now).await
    }

    /// Records the outcome, and disables a webhook that is gone or has failed for too long.
    async fn record(
        &self,
        client: &mut Client,
        delivery: &Delivery,
        response: &Response,
        outcome: &AttemptOutcome,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let transaction = tenant::begin(client, delivery.partition.tenant, REQUEST_ID).await?;
        let status = response.status.map(i32::from);
        match outcome {
            AttemptOutcome::Sent(_) => record_sent(&transaction, delivery, status, now).await?,
            AttemptOutcome::Retry(reason, delay) => {
                record_retry(&transaction, delivery, status, reason, now, *delay).await?;
            }
            AttemptOutcome::DeadLetter(reason) => {
                record_dead_letter(&transaction, delivery, status, reason, now).await?;
                if response.is_gone() {
                    disable(&transaction, delivery, reason, now, TimeDelta::zero()).await?;
                } else {
                    let reason = format!("no delivery succeeded for 5 days; last error: {reason}");
                    disable(&transaction, delivery, &reason, now, MAX_FAILING_TIME).await?;
                }
            }
        }
        transaction.commit().await.map_err(explain)
    }
}

/// An acceptance counts even when the lease had expired and another attempt has been made.
async fn record_sent(
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
            &[&delivery.partition.tenant, &delivery.id, &now, &status],
        )
        .await
        .map_err(explain)?;
    // For disabling a webhook, the time of its last success is needed to the minute at most.
    transaction
        .execute(
            "-- webhooks.succeeded
            update lms.webhook_queues as q
            set succeeded_at = $3::timestamptz
            where q.tenant_id = $1
              and q.id = $2
              and q.succeeded_at < $3::timestamptz - interval '1 minute'",
            &[&delivery.partition.tenant, &delivery.partition.id, &now],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn record_retry(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    status: Option<i32>,
    reason: &str,
    now: DateTime<Utc>,
    delay: Duration,
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
                &delivery.partition.tenant,
                &delivery.id,
                &delivery.attempt,
                &now,
                &delay.as_secs_f64(),
                &status,
                &reason,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn record_dead_letter(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    status: Option<i32>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    transaction
        .execute(
            "-- webhooks.dead_letter
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
                &delivery.partition.tenant,
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

/// Disables a webhook to which nothing has been delivered for the given time.
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
                &delivery.partition.tenant,
                &delivery.partition.id,
                &now,
                &reason,
                &(now - failing_for),
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
