//! The instruments for taking connections from a pool, named by OpenTelemetry's semantic conventions. The number of connections is
//! observed in `usage`.

use std::time::Duration;

use deadpool::managed::PoolError;
use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};

/// The upper bounds of the histogram's buckets, in seconds.
const WAIT_BOUNDS: [f64; 9] = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// No connection to the server could be made.
const UNREACHABLE: &str = "unreachable";

/// The server refuses the connection.
const REJECTED: &str = "rejected";

/// The pool itself has failed.
const INTERNAL: &str = "internal";

/// The instruments for taking connections from a pool.
#[derive(Clone)]
pub(crate) struct PoolMetrics {
    wait: Histogram<f64>,
    timeouts: Counter<u64>,
    failures: Counter<u64>,
}

impl PoolMetrics {
    /// Creates the instruments.
    pub(crate) fn new() -> Self {
        let meter = global::meter("lms.host");
        let metrics = Self {
            wait: meter
                .f64_histogram("db.client.connection.wait_time")
                .with_unit("s")
                .with_description("The time that a component waited for a connection.")
                .with_boundaries(WAIT_BOUNDS.to_vec())
                .build(),
            timeouts: meter
                .u64_counter("db.client.connection.timeouts")
                .with_description("The waits for a connection that took too long.")
                .build(),
            failures: meter
                .u64_counter("lms.host.connection.failures")
                .with_description(
                    "The connections that could not be made, other than by a timeout.",
                )
                .build(),
        };
        metrics.begin_failures();
        metrics
    }

    /// Begins every count at zero, because a count that begins at one shows no increase.
    fn begin_failures(&self) {
        self.timeouts.add(0, &[]);
        for reason in [UNREACHABLE, REJECTED, INTERNAL] {
            self.failures.add(0, &[KeyValue::new("reason", reason)]);
        }
    }

    /// Measures a wait for a connection.
    pub(crate) fn record_wait(&self, wait: Duration) {
        self.wait.record(wait.as_secs_f64(), &[]);
    }

    /// Counts a wait that ended without a connection.
    pub(crate) fn record_failure(&self, error: &PoolError<tokio_postgres::Error>) {
        match reason(error) {
            None => self.timeouts.add(1, &[]),
            Some(reason) => self.failures.add(1, &[KeyValue::new("reason", reason)]),
        }
    }
}

/// Returns why there is no connection, or none if the wait took too long.
fn reason(error: &PoolError<tokio_postgres::Error>) -> Option<&'static str> {
    match error {
        PoolError::Timeout(_) => None,
        PoolError::Backend(error) if error.as_db_error().is_some() => Some(REJECTED),
        PoolError::Backend(_) => Some(UNREACHABLE),
        _ => Some(INTERNAL),
    }
}

#[cfg(test)]
mod tests {
    use deadpool::managed::TimeoutType;
    use tokio_postgres::NoTls;

    use super::*;

    #[tokio::test]
    async fn a_timeout_is_told_from_other_failures() {
        assert_eq!(reason(&PoolError::Timeout(TimeoutType::Wait)), None);
        assert_eq!(reason(&PoolError::Closed), Some("internal"));
        let refused = tokio_postgres::connect("postgres://127.0.0.1:1/none", NoTls).await;
        let error = refused.err().unwrap();
        assert_eq!(reason(&PoolError::Backend(error)), Some("unreachable"));
    }
}
