//! Running a job again and again, and waiting less long after a failure.
//! The waits between the attempts of a delivery live in `queue::outcome`.

use std::time::Duration;

use anyhow::Result;

/// The intervals at which the worker repeats its jobs.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Between two rounds.
    pub rounds: Duration,
    /// Between two refreshes of the analytics.
    pub refreshes: Duration,
}

impl Intervals {
    /// The intervals that apply unless others are configured.
    pub const DEFAULT: Intervals = Intervals {
        rounds: Duration::from_secs(3600),
        refreshes: Duration::from_secs(900),
    };
}

/// The longest wait after a failure.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Runs a job for ever. After a failure, such as a database that cannot be reached, it logs the reason and runs the job again
/// earlier than the interval says.
pub(crate) async fn run_periodically<F>(name: &str, interval: Duration, job: impl Fn() -> F)
where
    F: Future<Output = Result<()>>,
{
    loop {
        let delay = match job().await {
            Ok(()) => interval,
            Err(error) => {
                let backoff = interval.min(MAX_BACKOFF);
                let seconds = backoff.as_secs();
                tracing::warn!("{name}: {error:#}; trying again in {seconds} s");
                backoff
            }
        };
        tokio::time::sleep(delay).await;
    }
}
