//! The instruments for taking connections from a pool, named by OpenTelemetry's semantic conventions. The number of connections is
//! observed in `usage`.

use std::time::Duration;

use opentelemetry::global;
use opentelemetry::metrics::{Counter, Histogram};

/// The upper bounds of the histogram's buckets, in seconds.
const WAIT_BOUNDS: [f64; 9] = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The instruments for taking connections from a pool.
#[derive(Clone)]
pub(crate) struct PoolMetrics {
    wait: Histogram<f64>,
    timeouts: Counter<u64>,
}

impl PoolMetrics {
    /// Creates the instruments.
    pub(crate) fn new() -> Self {
        let meter = global::meter("lms.host");
        Self {
            wait: meter
                .f64_histogram("db.client.connection.wait_time")
                .with_unit("s")
                .with_description("The time that a component waited for a connection.")
                .with_boundaries(WAIT_BOUNDS.to_vec())
                .build(),
            timeouts: meter
                .u64_counter("db.client.connection.timeouts")
                .with_description("The components that got no connection.")
                .build(),
        }
    }

    /// Measures a wait for a connection.
    pub(crate) fn record_wait(&self, wait: Duration) {
        self.wait.record(wait.as_secs_f64(), &[]);
    }

    /// Counts a wait that ended without a connection.
    pub(crate) fn record_failure(&self) {
        self.timeouts.add(1, &[]);
    }
}
