//! The queue driver, which notifications and webhooks share: it claims what is due, sends it, and records the outcome.
//! The SQL of each queue lives with its messages, in `notifications::outbox` and `webhooks::deliveries`.
//!
//! A short transaction claims a delivery for a limited time, the lease. The delivery is sent outside of any transaction, and
//! another transaction records the outcome. When a worker stops in between, the lease expires and the delivery is sent
//! again, under the same key. So nothing is lost, any number of workers may run side by side, and a recipient that knows the key
//! drops the duplicate.

mod driver;
mod metrics;
mod outcome;
mod report;

use std::hash::Hash;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use tokio_postgres::Client;
use uuid::Uuid;

pub(crate) use driver::{run, run_once};
pub(crate) use metrics::AttemptMetrics;
pub(crate) use outcome::{AttemptOutcome, RetrySchedule, SendResult, retry_after};
pub use report::DeliveryReport;

/// The settings of a queue.
pub(crate) struct QueueSettings {
    /// The noun for its deliveries in reports.
    pub(crate) noun: &'static str,
    /// The time between attempts.
    pub(crate) retries: RetrySchedule,
    /// The largest number of deliveries of one partition that a worker has in flight.
    pub(crate) max_per_partition: usize,
    /// The same, for a partition whose last attempt failed.
    pub(crate) max_per_failing_partition: usize,
    /// The largest number of deliveries that a worker has in flight in all.
    pub(crate) max_in_flight: usize,
}

/// A delivery that this worker has claimed.
pub(crate) struct Delivery<P, M> {
    pub(crate) partition: P,
    /// The same in every attempt.
    pub(crate) id: Uuid,
    /// The number of this attempt, from 1.
    pub(crate) attempt: i32,
    pub(crate) message: M,
}

/// The response to one attempt.
pub(crate) struct Response {
    /// The HTTP status, where the queue records it and there was an answer.
    pub(crate) status: Option<u16>,
    /// The meaning of the answer, or of its absence.
    pub(crate) result: SendResult,
}

impl Response {
    /// Returns whether the recipient says that it no longer exists.
    pub(crate) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }
}

/// The limits of one claim.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) now: DateTime<Utc>,
    /// The largest number of deliveries to claim.
    pub(crate) limit: i64,
    /// The time for which the claim holds.
    pub(crate) lease: Duration,
}

/// A queue of deliveries in the database, and the way in which they are sent.
pub(crate) trait Queue: Sync {
    /// Deliveries are claimed from one partition at a time, so that none keeps the others waiting.
    type Partition: Copy + Eq + Hash + Send + Sync;
    /// The content of a delivery.
    type Message: Send + Sync;

    /// Its name in the log.
    fn name(&self) -> &'static str;

    /// The tenant of a partition.
    fn tenant(&self, partition: Self::Partition) -> Uuid;

    /// Its settings.
    fn settings(&self) -> &'static QueueSettings;

    /// The instrument for its attempts.
    fn attempts(&self) -> &AttemptMetrics;

    /// The longest time that one attempt takes.
    fn timeout(&self) -> Duration;

    /// Queues the deliveries that have become necessary since the last call.
    fn fill(
        &self,
        client: &mut Client,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The partitions that have something due. Those in `full` may be left out.
    fn due(
        &self,
        client: &mut Client,
        now: DateTime<Utc>,
        full: &[Self::Partition],
    ) -> impl Future<Output = Result<Vec<Self::Partition>>> + Send;

    /// Claims what has been due longest in a partition, passing over what another worker is claiming.
    fn claim(
        &self,
        client: &mut Client,
        partition: Self::Partition,
        claim: Claim,
    ) -> impl Future<Output = Result<Vec<Delivery<Self::Partition, Self::Message>>>> + Send;

    /// Sends a delivery.
    fn send(
        &self,
        delivery: &Delivery<Self::Partition, Self::Message>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Response> + Send;

    /// Records the outcome of an attempt.
    fn record(
        &self,
        client: &mut Client,
        delivery: &Delivery<Self::Partition, Self::Message>,
        response: &Response,
        outcome: &AttemptOutcome,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<()>> + Send;
}
