//! The instruments for jobs and deliveries. Collecting and exporting what they measure is the task of the program that runs the worker.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use opentelemetry::{KeyValue, global};

use crate::queue::AttemptOutcome;
use crate::traces;

/// The message was accepted.
const SENT: &str = "sent";

/// The attempt failed, and another one follows.
const RETRY: &str = "retry";

/// The message was given up.
const DEAD_LETTER: &str = "dead_letter";

/// The instruments for one job.
pub(crate) struct JobMetrics {
    job: &'static str,
    duration: Histogram<f64>,
    last_success: Gauge<f64>,
}

impl JobMetrics {
    /// Creates the instruments.
    pub(crate) fn new(job: &'static str) -> Self {
        let meter = global::meter("lms.worker");
        Self {
            job,
            duration: meter
                .f64_histogram("lms.worker.job.duration")
                .with_unit("s")
                .with_description("The time that one execution of a job took.")
                .build(),
            last_success: meter
                .f64_gauge("lms.worker.job.last_success")
                .with_unit("s")
                .with_description("The time at which a job was last executed without a failure, in seconds since 1970.")
                .build(),
        }
    }

    /// The name of the job.
    pub(crate) fn job(&self) -> &'static str {
        self.job
    }

    /// Does the work of one execution in a span, and measures it.
    pub(crate) async fn measure<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started_at = Instant::now();
        let result = traces::in_job(self.job, work).await;
        // Prometheus has a label `job` of its own, which would displace one of that name.
        let job = KeyValue::new("worker.job", self.job);
        let outcome = KeyValue::new(
            "outcome",
            if result.is_ok() { "success" } else { "failure" },
        );
        self.duration
            .record(started_at.elapsed().as_secs_f64(), &[job.clone(), outcome]);
        if result.is_ok()
            && let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH)
        {
            self.last_success.record(now.as_secs_f64(), &[job]);
        }
        result
    }
}

/// The instrument for the attempts of a queue to deliver.
pub(crate) struct AttemptMetrics {
    counter: Counter<u64>,
    queue: Option<KeyValue>,
}

impl AttemptMetrics {
    /// Creates the instrument for the messages of all webhooks.
    pub(crate) fn of_webhooks() -> Self {
        let counter = global::meter("lms.worker")
            .u64_counter("lms.webhook.attempts")
            .with_description("The attempts to deliver a webhook message.")
            .build();
        Self::begin(counter, None)
    }

    /// Creates the instrument for the notifications of one channel.
    pub(crate) fn of_channel(channel: &'static str) -> Self {
        let counter = global::meter("lms.worker")
            .u64_counter("lms.notification.deliveries")
            .with_description("The attempts to deliver a notification.")
            .build();
        Self::begin(counter, Some(KeyValue::new("channel", channel)))
    }

    /// Begins every count at zero, because a count that begins at one shows no increase.
    fn begin(counter: Counter<u64>, queue: Option<KeyValue>) -> Self {
        let metrics = Self { counter, queue };
        for outcome in [SENT, RETRY, DEAD_LETTER] {
            metrics.add(0, outcome);
        }
        metrics
    }

    /// Counts an attempt.
    pub(crate) fn record(&self, outcome: &AttemptOutcome) {
        let name = match outcome {
            AttemptOutcome::Sent(_) => SENT,
            AttemptOutcome::Retry(..) => RETRY,
            AttemptOutcome::DeadLetter(_) => DEAD_LETTER,
        };
        self.add(1, name);
    }

    fn add(&self, count: u64, outcome: &'static str) {
        let mut attributes = vec![KeyValue::new("outcome", outcome)];
        attributes.extend(self.queue.clone());
        self.counter.add(count, &attributes);
    }
}
