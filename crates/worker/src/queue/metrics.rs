//! The instruments for attempts to deliver. Collecting and exporting what they measure is the task of
//! the program that runs the worker.

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

use super::outcome::AttemptOutcome;

/// The message was accepted.
const SENT: &str = "sent";

/// The attempt failed, and another one follows.
const RETRY: &str = "retry";

/// The message was given up.
const DEAD_LETTER: &str = "dead_letter";

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
