//! How long the worker waits between two rounds, and after one that failed.
//! The waits between attempts to deliver live in `delivery::outcome`.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;

/// How long a worker waits.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Between two rounds.
    pub rounds: Duration,
    /// Between two refreshes of the analytics.
    pub refreshes: Duration,
}

impl Intervals {
    /// Those of a worker that is told nothing else.
    pub const USUAL: Intervals = Intervals {
        rounds: Duration::from_secs(3600),
        refreshes: Duration::from_secs(900),
    };
}

/// How soon a round that failed is tried again, at the most.
pub(crate) const RETRY: Duration = Duration::from_secs(30);

/// How long to wait before the next time: less when it failed, which is said with what it was.
pub(crate) fn rest(what: &str, outcome: Result<()>, interval: Duration) -> Duration {
    let Err(error) = outcome else {
        return interval;
    };
    let pause = interval.min(RETRY);
    let seconds = pause.as_secs();
    let _ = writeln!(
        std::io::stderr(),
        "worker: {what}{error:#}; trying again in {seconds} s"
    );
    pause
}
