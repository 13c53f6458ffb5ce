//! The instruments for jobs; those for deliveries are in `queue::metrics`. Collecting and exporting what they measure is the task of the program that runs the worker.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use opentelemetry::metrics::{Gauge, Histogram};
use opentelemetry::{KeyValue, global};

use crate::traces;

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
