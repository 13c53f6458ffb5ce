//! The instruments for connections to databases, named by OpenTelemetry's semantic conventions for connection pools.

use std::sync::Weak;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use super::pool::{PoolMap, PoolRegistry};

/// The upper bounds of the histogram's buckets, in seconds.
const WAIT_BOUNDS: [f64; 9] = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The attribute that tells connections in use from idle ones.
const STATE: &str = "db.client.connection.state";

/// The instruments for taking connections from a pool.
#[derive(Clone)]
pub(crate) struct PoolMetrics {
    wait: Histogram<f64>,
    timeouts: Counter<u64>,
}

impl PoolMetrics {
    /// Creates the instruments.
    pub(crate) fn new() -> Self {
        let meter = meter();
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

/// Observes the connections of all pools in the registries, for as long as these exist.
pub(crate) fn observe_connections(registries: &[PoolRegistry]) {
    let pools: Vec<Weak<PoolMap>> = registries.iter().map(PoolRegistry::downgrade).collect();
    let waiting = pools.clone();
    meter()
        .u64_observable_gauge("db.client.connection.count")
        .with_description("The connections in use and the idle ones.")
        .with_callback(move |observer| {
            let usage = usage(&pools);
            observer.observe(usage.used, &[KeyValue::new(STATE, "used")]);
            observer.observe(usage.idle, &[KeyValue::new(STATE, "idle")]);
        })
        .build();
    meter()
        .u64_observable_gauge("db.client.connection.pending_requests")
        .with_description("The components that wait for a connection.")
        .with_callback(move |observer| observer.observe(usage(&waiting).waiting, &[]))
        .build();
}

/// The usage of a pool, or of several pools together.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) idle: u64,
    pub(crate) waiting: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.used += other.used;
        self.idle += other.idle;
        self.waiting += other.waiting;
    }
}

fn usage(pools: &[Weak<PoolMap>]) -> Usage {
    let mut total = Usage::default();
    for pools in pools.iter().filter_map(Weak::upgrade) {
        total += pools.usage();
    }
    total
}

fn meter() -> Meter {
    global::meter("lms.host")
}
