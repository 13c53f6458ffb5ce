//! Counting the instances that exist, by component.

use std::sync::Arc;

use opentelemetry::metrics::UpDownCounter;
use opentelemetry::{KeyValue, global};

/// Counts the instances of one component.
pub(crate) struct InstanceCount {
    counter: UpDownCounter<i64>,
    component: Arc<str>,
}

impl InstanceCount {
    /// Creates the instrument.
    pub(crate) fn new(component: Arc<str>) -> Self {
        let counter = global::meter("lms.host")
            .i64_up_down_counter("lms.host.instances")
            .with_description("The instances that exist.")
            .build();
        Self { counter, component }
    }

    /// Counts a new instance until the result is dropped together with it.
    pub(crate) fn add(&self) -> CountedInstance {
        let counted = CountedInstance {
            counter: self.counter.clone(),
            component: Arc::clone(&self.component),
        };
        counted.change(1);
        counted
    }
}

/// An instance that is counted as long as this exists.
pub(crate) struct CountedInstance {
    counter: UpDownCounter<i64>,
    component: Arc<str>,
}

impl CountedInstance {
    fn change(&self, by: i64) {
        let component = KeyValue::new("component", Arc::clone(&self.component));
        self.counter.add(by, &[component]);
    }
}

impl Drop for CountedInstance {
    fn drop(&mut self) {
        self.change(-1);
    }
}
