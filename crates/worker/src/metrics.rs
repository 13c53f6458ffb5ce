//! The instruments for jobs; those for deliveries are in `queue::metrics`. Collecting and exporting what they measure is the task of the program that runs the worker.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use opentelemetry::metrics::{Gauge, Histogram};
use opentelemetry::{KeyValue, global};

use crate::traces;

/// The instruments for one job, and the trace of its last failure.
pub(crate) struct JobMetrics {
    job: &'static str,
    duration: Histogram<f64>,
    last_success: Gauge<f64>,
    failed_trace: Mutex<Option<String>>,
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
            failed_trace: Mutex::default(),
        }
    }

    /// The name of the job.
    pub(crate) fn job(&self) -> &'static str {
        self.job
    }

    /// Does the work of one execution in a span, and measures it.
    pub(crate) async fn measure<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started_at = Instant::now();
        let work = async {
            let result = work.await;
            if result.is_err() {
                *self.lock_failed_trace() = traces::trace_id();
            }
            result
        };
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

    /// Returns the id of the trace of the execution that has failed, once. There is none if the
    /// failure came before an execution, or if nothing is recorded.
    pub(crate) fn take_failed_trace(&self) -> Option<String> {
        self.lock_failed_trace().take()
    }

    fn lock_failed_trace(&self) -> MutexGuard<'_, Option<String>> {
        self.failed_trace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
