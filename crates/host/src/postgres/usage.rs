//! Observes how many connections the pools have. The pools themselves are in `pool`, and waits for a connection are measured in
//! `metrics`.

use std::sync::Weak;

use opentelemetry::{KeyValue, global};

use super::pool::{PoolMap, PoolRegistry, Usage};

/// The attribute that tells connections in use from idle ones.
const STATE: &str = "db.client.connection.state";

/// Observes the connections of all pools in the registries, for as long as these exist.
pub(crate) fn observe_connections(registries: &[PoolRegistry]) {
    let meter = global::meter("lms.host");
    let pools: Vec<Weak<PoolMap>> = registries.iter().map(PoolRegistry::downgrade).collect();
    let waiting = pools.clone();
    meter
        .u64_observable_gauge("db.client.connection.count")
        .with_description("The connections in use and the idle ones.")
        .with_callback(move |observer| {
            let usage = usage(&pools);
            observer.observe(usage.used, &[KeyValue::new(STATE, "used")]);
            observer.observe(usage.idle, &[KeyValue::new(STATE, "idle")]);
        })
        .build();
    meter
        .u64_observable_gauge("db.client.connection.pending_requests")
        .with_description("The components that wait for a connection.")
        .with_callback(move |observer| observer.observe(usage(&waiting).waiting, &[]))
        .build();
}

fn usage(pools: &[Weak<PoolMap>]) -> Usage {
    let mut total = Usage::default();
    for pools in pools.iter().filter_map(Weak::upgrade) {
        total += pools.usage();
    }
    total
}
