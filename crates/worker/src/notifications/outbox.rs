//! The outbox of notifications as a queue: claiming what is due in one channel, sending it, and recording the outcome.
//! The retries live in `queue`; the API of each provider lives in a file named after it.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::channel::Channel;
use super::provider::{self, Message, Provider};
use crate::queue::{
    self, AttemptMetrics, AttemptOutcome, Claim, Queue, QueueSettings, Response, RetrySchedule,
    SendResult,
};

/// The request id of its transactions in the event log.
const REQUEST_ID: &str = "delivery";

/// The noun for its deliveries in reports.
pub(super) const NOUN: &str = "notifications";

const CLAIM: &str = include_str!("claim.sql");

/// The nth retry comes within 30 seconds times three to the power of n - 1, and at most within six hours. All ten attempts take at
/// most 21 hours: providers remember a key for a day.
static SETTINGS: QueueSettings = QueueSettings {
    noun: NOUN,
    retries: RetrySchedule {
        delays: &[30, 90, 270, 810, 2430, 7290, 21600, 21600, 21600],
        jitter: 0.0..=1.0,
        max_retry_after: Duration::from_secs(6 * 3600),
    },
    max_per_partition: 16,
    max_per_failing_partition: 16,
    max_in_flight: 16,
};

/// The outbox of one channel, with the provider that delivers it.
pub(super) struct Outbox<'a> {
    channel: Channel,
    provider: &'a dyn Provider,
    attempts: AttemptMetrics,
}

/// A notification to be delivered.
pub(super) struct Notification {
    id: Uuid,
    message: Message,
    /// The reason for which it must not be sent any more.
    obstacle: Option<String>,
}

/// A delivery of the tenant that is its partition.
type Delivery = queue::Delivery<Uuid, Notification>;

impl<'a> Outbox<'a> {
    pub(super) fn new(channel: Channel, provider: &'a dyn Provider) -> Self {
        Self {
            channel,
            provider,
            attempts: AttemptMetrics::of_channel(channel.name()),
        }
    }
}

impl Queue for Outbox<'_> {
    type Partition = Uuid;
    type Message = Notification;

    fn name(&self) -> &'static str {
        self.channel.name()
    }

    fn tenant(&self, tenant: Uuid) -> Uuid {
        tenant
    }

    fn settings(&self) -> &'static QueueSettings {
        &SETTINGS
    }

    fn attempts(&self) -> &AttemptMetrics {
        &self.attempts
    }

    fn timeout(&self) -> Duration {
        self.provider.endpoint().timeout()
    }

    /// Queues the code for each requested password reset that belongs to an account.
    async fn fill(&self, client: &mut Client, _: DateTime<Utc>) -> Result<()> {
        if self.channel != Channel::Email {
            return Ok(());
        }
        loop {
            let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
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

    async fn due(&self, client: &mut Client, _: DateTime<Utc>, _: &[Uuid]) -> Result<Vec<Uuid>> {
        let transaction = tenant::begin(client, Uuid::nil(), REQUEST_ID).await?;
        let rows = transaction
            .query(
                "select t.tenant_id
                from lms_private.tenants_with_due_deliveries($1) as t",
                &[&self.channel.name()],
            )
            .await
            .map_err(explain)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Secrets are filled into the text here, and are nowhere but in this program's memory.
    async fn claim(
        &self,
        client: &mut Client,
        tenant: Uuid,
        claim: Claim,
    ) -> Result<Vec<Delivery>> {
        let transaction = tenant::begin(client, tenant, REQUEST_ID).await?;
        let rows = transaction
            .query(
                CLAIM,
                &[
                    &tenant,
                    &self.channel.name(),
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
                partition: tenant,
                id: row.get(0),
                attempt: row.get(2),
                message: Notification {
                    id: row.get(1),
                    message: Message {
                        key: row.get(0),
                        user: row.get(3),
                        email: row.get(4),
                        phone: row.get(5),
                        subject: row.get(6),
                        text: row.get(7),
                    },
                    obstacle: row.get(8),
                },
            })
            .collect())
    }

    async fn send(&self, delivery: &Delivery, _: DateTime<Utc>) -> Response {
        let result = match &delivery.message.obstacle {
            Some(obstacle) => SendResult::Rejected(obstacle.clone()),
            None => provider::send(self.provider, &delivery.message.message).await,
        };
        Response {
            status: None,
            result,
        }
    }

    async fn record(
        &self,
        client: &mut Client,
        delivery: &Delivery,
        _: &Response,
        outcome: &AttemptOutcome,
        _: DateTime<Utc>,
    ) -> Result<()> {
        let transaction = tenant::begin(client, delivery.partition, REQUEST_ID).await?;
        match outcome {
            AttemptOutcome::Sent(id) => {
                record_sent(&transaction, delivery, self.provider.name(), id).await?;
            }
            AttemptOutcome::Retry(reason, delay) => {
                record_retry(&transaction, delivery, reason, *delay).await?;
            }
            AttemptOutcome::DeadLetter(reason) => {
                record_dead_letter(&transaction, delivery, reason).await?;
            }
        }
        transaction.commit().await.map_err(explain)
    }
}

/// Locks the notification before its delivery. A request to retry locks them in the same order, so that neither waits for the other.
async fn lock(transaction: &Transaction<'_>, delivery: &Delivery) -> Result<()> {
    transaction
        .execute(
            "select
            from lms.notifications as n
            where n.tenant_id = $1
              and n.id = $2
            for no key update",
            &[&delivery.partition, &delivery.message.id],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// An acceptance counts even when the lease had expired and another attempt has been made.
async fn record_sent(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    provider: &str,
    id: &str,
) -> Result<()> {
    lock(transaction, delivery).await?;
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
            &[&delivery.partition, &delivery.id, &provider, &id],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        return Ok(());
    }
    record_status(transaction, delivery, "sent", None).await?;
    transaction
        .execute(
            "delete from lms_private.notification_secrets as k
            where k.tenant_id = $1
              and k.notification_id = $2",
            &[&delivery.partition, &delivery.message.id],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

async fn record_retry(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    reason: &str,
    delay: Duration,
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
                &delivery.partition,
                &delivery.id,
                &delivery.attempt,
                &delay.as_secs_f64(),
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
    reason: &str,
) -> Result<()> {
    lock(transaction, delivery).await?;
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
            &[
                &delivery.partition,
                &delivery.id,
                &delivery.attempt,
                &reason,
            ],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        return Ok(());
    }
    record_status(transaction, delivery, "failed", Some(reason)).await
}

/// Writes the outcome into the notification itself.
async fn record_status(
    transaction: &Transaction<'_>,
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
                &delivery.partition,
                &delivery.message.id,
                &status,
                &delivery.attempt,
                &failure,
            ],
        )
        .await
        .map_err(explain)?;
    Ok(())
}
