//! The instruments for jobs. Collecting and exporting what they measure is the task of the program that runs the worker.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::metrics::{Gauge, Histogram};
use opentelemetry::{KeyValue, StringValue, global};

/// The instruments for one job.
pub(crate) struct JobMetrics {
    job: StringValue,
    duration: Histogram<f64>,
    last_success: Gauge<f64>,
}

impl JobMetrics {
    /// Creates the instruments.
    pub(crate) fn new(job: &str) -> Self {
        let meter = global::meter("lms.worker");
        Self {
            job: job.to_owned().into(),
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

    /// Measures one execution.
    pub(crate) fn record(&self, duration: Duration, is_success: bool) {
        let job = KeyValue::new("job", self.job.clone());
        let outcome = KeyValue::new("outcome", if is_success { "success" } else { "failure" });
        self.duration
            .record(duration.as_secs_f64(), &[job.clone(), outcome]);
        if is_success && let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) {
            self.last_success.record(now.as_secs_f64(), &[job]);
        }
    }
}
