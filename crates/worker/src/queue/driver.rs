//! The loop of the queue driver, and its limits on deliveries in flight.
//! The interface to a queue lives in `queue`.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio_postgres::Client;

use super::report::DeliveryReport;
use super::{AttemptOutcome, Claim, Delivery, Queue, Response};
use crate::metrics::JobMetrics;
use crate::periodic::run_periodically;
use crate::traces;

/// The wait before an empty queue is looked at again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The wait after a failure of the database.
const RECONNECT_DELAY: Duration = Duration::from_secs(10);

/// The interval of reports while there is always something to deliver.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Delivers for ever. When the database cannot be reached, it tries again.
pub(crate) async fn run<Q: Queue>(database_url: &str, queue: &Q) {
    let metrics = JobMetrics::new(queue.name());
    run_periodically(&metrics, RECONNECT_DELAY, || {
        run_until_failure(database_url, queue, &metrics)
    })
    .await;
}

async fn run_until_failure<Q: Queue>(
    database_url: &str,
    queue: &Q,
    metrics: &JobMetrics,
) -> Result<()> {
    let mut client = database::connect(database_url).await?;
    let mut driver = Driver::new(queue, Utc::now());
    let noun = queue.settings().noun;
    let (mut report, mut reported) = (DeliveryReport::new(noun), Instant::now());
    loop {
        report.merge(metrics.measure(driver.advance(&mut client)).await?);
        if driver.is_idle || reported.elapsed() >= REPORT_INTERVAL {
            if !report.is_empty() {
                let trace_id = driver.last_trace.take();
                tracing::info!(job = queue.name(), trace_id, "{report}");
            }
            (report, reported) = (DeliveryReport::new(noun), Instant::now());
        }
        if driver.is_idle {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Delivers everything that is due at the given time, and what becomes due in the meantime.
pub(crate) async fn run_once<Q: Queue>(
    database_url: &str,
    queue: &Q,
    now: DateTime<Utc>,
) -> Result<DeliveryReport> {
    let metrics = JobMetrics::new(queue.name());
    let mut client = database::connect(database_url).await?;
    let mut driver = Driver::new(queue, now);
    let mut report = DeliveryReport::new(queue.settings().noun);
    loop {
        report.merge(metrics.measure(driver.advance(&mut client)).await?);
        if driver.is_idle {
            return Ok(report);
        }
    }
}

type InFlight<'a, Q> = BoxFuture<'a, Finished<Q>>;
type DeliveryOf<Q> = Delivery<<Q as Queue>::Partition, <Q as Queue>::Message>;

/// An attempt that has ended.
struct Finished<Q: Queue> {
    delivery: DeliveryOf<Q>,
    response: Response,
    /// The id of the trace of the execution that began it, and so of the attempt's span.
    trace: Option<String>,
}

/// The state of a worker on one queue.
struct Driver<'a, Q: Queue> {
    queue: &'a Q,
    started_at: DateTime<Utc>,
    clock: Instant,
    in_flight: FuturesUnordered<InFlight<'a, Q>>,
    /// The number of deliveries in flight of each partition.
    counts: HashMap<Q::Partition, usize>,
    /// The number of the claim that each partition had last, so that those that have waited longest come first.
    last_claims: HashMap<Q::Partition, u64>,
    claims: u64,
    /// The partitions whose last attempt failed.
    failing: HashSet<Q::Partition>,
    /// The id of the trace of the attempt that was recorded last.
    last_trace: Option<String>,
    /// True when nothing was due and nothing in flight at the last look.
    is_idle: bool,
}

impl<'a, Q: Queue> Driver<'a, Q> {
    fn new(queue: &'a Q, now: DateTime<Utc>) -> Self {
        Self {
            queue,
            started_at: now,
            clock: Instant::now(),
            in_flight: FuturesUnordered::new(),
            counts: HashMap::new(),
            last_claims: HashMap::new(),
            claims: 0,
            failing: HashSet::new(),
            last_trace: None,
            is_idle: false,
        }
    }

    /// The given time, advanced by the time that has passed since.
    fn now(&self) -> DateTime<Utc> {
        self.started_at + TimeDelta::from_std(self.clock.elapsed()).unwrap_or_default()
    }

    /// Fills the queue, claims what is due and records the responses that have arrived. It waits for a response, but not so long
    /// that other deliveries would wait too.
    async fn advance(&mut self, client: &mut Client) -> Result<DeliveryReport> {
        self.queue.fill(client, self.now()).await?;
        self.claim(client).await?;
        self.is_idle = self.in_flight.is_empty();
        if self.is_idle {
            self.last_claims.clear();
        }
        let mut report = DeliveryReport::new(self.queue.settings().noun);
        let mut finished = tokio::time::timeout(POLL_INTERVAL, self.in_flight.next())
            .await
            .unwrap_or_default();
        while let Some(Finished {
            delivery,
            response,
            trace,
        }) = finished
        {
            self.record(client, &delivery, &response, &mut report)
                .await?;
            self.last_trace = trace;
            finished = self.in_flight.next().now_or_never().flatten();
        }
        Ok(report)
    }

    /// Starts to send what is due, as far as the limits allow.
    async fn claim(&mut self, client: &mut Client) -> Result<()> {
        let now = self.now();
        let full: Vec<Q::Partition> = self
            .counts
            .keys()
            .filter(|partition| self.capacity(**partition) == 0)
            .copied()
            .collect();
        let mut due = self.queue.due(client, now, &full).await?;
        due.sort_by_key(|partition| self.last_claims.get(partition).copied());
        for partition in due {
            let limit = i64::try_from(self.capacity(partition))?;
            if limit == 0 {
                continue;
            }
            let claim = Claim {
                now,
                limit,
                lease: self.queue.timeout() * 2,
            };
            for delivery in self.queue.claim(client, partition, claim).await? {
                *self.counts.entry(partition).or_default() += 1;
                let (queue, now, trace) = (self.queue, self.now(), traces::trace_id());
                self.in_flight.push(Box::pin(async move {
                    let tenant = queue.tenant(delivery.partition);
                    let sending = queue.send(&delivery, now);
                    let response =
                        traces::in_attempt(queue.name(), tenant, delivery.attempt, sending).await;
                    Finished {
                        delivery,
                        response,
                        trace,
                    }
                }));
            }
            self.claims += 1;
            self.last_claims.insert(partition, self.claims);
        }
        Ok(())
    }

    /// The number of deliveries of a partition that may be sent in addition to those in flight.
    fn capacity(&self, partition: Q::Partition) -> usize {
        let settings = self.queue.settings();
        let limit = match self.failing.contains(&partition) {
            true => settings.max_per_failing_partition,
            false => settings.max_per_partition,
        };
        let in_flight = self.counts.get(&partition).copied().unwrap_or_default();
        limit
            .saturating_sub(in_flight)
            .min(settings.max_in_flight.saturating_sub(self.in_flight.len()))
    }

    async fn record(
        &mut self,
        client: &mut Client,
        delivery: &DeliveryOf<Q>,
        response: &Response,
        report: &mut DeliveryReport,
    ) -> Result<()> {
        let partition = delivery.partition;
        if let Some(count) = self.counts.get_mut(&partition) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&partition);
            }
        }
        let retries = &self.queue.settings().retries;
        let outcome = response.result.clone().outcome(delivery.attempt, retries);
        match outcome {
            AttemptOutcome::Sent(_) => self.failing.remove(&partition),
            AttemptOutcome::Retry(..) | AttemptOutcome::DeadLetter(_) => {
                self.failing.insert(partition)
            }
        };
        let now = self.now();
        self.queue
            .record(client, delivery, response, &outcome, now)
            .await?;
        self.queue.attempts().record(&outcome);
        report.add(&outcome);
        Ok(())
    }
}
