//! Running a job again and again, and waiting less long after a failure.
//! The waits between the attempts of a delivery live in `queue::outcome`.

use std::time::Duration;

use anyhow::Result;

use crate::metrics::JobMetrics;

/// The intervals at which the worker repeats its jobs.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Between two rounds.
    pub rounds: Duration,
    /// Between two refreshes of the analytics.
    pub refreshes: Duration,
    /// Between two measurements of the cell's state; none where nobody reads the metrics.
    pub measurements: Option<Duration>,
}

impl Intervals {
    /// The intervals that apply unless others are configured.
    pub const DEFAULT: Intervals = Intervals {
        rounds: Duration::from_secs(3600),
        refreshes: Duration::from_secs(900),
        measurements: None,
    };

    /// The interval of measurements, where the metrics are read.
    pub const MEASUREMENTS: Duration = Duration::from_secs(15);
}

/// The longest wait after a failure.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Runs a job for ever, under the name that its metrics have. After a failure, such as a database that cannot be reached, it logs the reason and runs the job again
/// earlier than the interval says.
pub(crate) async fn run_periodically<F>(
    metrics: &JobMetrics,
    interval: Duration,
    job: impl Fn() -> F,
) where
    F: Future<Output = Result<()>>,
{
    loop {
        let delay = match job().await {
            Ok(()) => interval,
            Err(error) => {
                let backoff = interval.min(MAX_BACKOFF);
                let seconds = backoff.as_secs();
                tracing::warn!(
                    job = metrics.job(),
                    trace_id = metrics.take_failed_trace(),
                    "{error:#}; trying again in {seconds} s"
                );
                backoff
            }
        };
        tokio::time::sleep(delay).await;
    }
}
