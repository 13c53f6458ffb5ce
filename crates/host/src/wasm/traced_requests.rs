//! The requests of an instance whose traces are recorded, so that a statement finds the span of the
//! request that sends it.

use std::sync::{Arc, Weak};

use wasmtime::component::GuestTaskId;

use crate::admission::in_flight::InFlight;
use crate::request_trace::RequestTrace;

/// The recorded requests by the guest's task that handles each.
#[derive(Default)]
pub(crate) struct TracedRequests(Vec<(GuestTaskId, Weak<InFlight>)>);

impl TracedRequests {
    /// Adds a request, if it is recorded.
    pub(crate) fn add(&mut self, task: GuestTaskId, request: &Arc<InFlight>) {
        if request.trace().is_some() || !self.0.is_empty() {
            // The id of a task that has ended may be used again.
            self.0
                .retain(|(other, request)| *other != task && request.strong_count() > 0);
        }
        if request.trace().is_some() {
            self.0.push((task, Arc::downgrade(request)));
        }
    }

    /// Returns whether no request is recorded, so that none needs to be looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the trace of the request that a task handles.
    pub(crate) fn find(&self, task: GuestTaskId) -> Option<RequestTrace> {
        let (_, request) = self.0.iter().find(|(other, _)| *other == task)?;
        request.upgrade()?.trace().cloned()
    }
}
