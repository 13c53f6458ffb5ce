//! A request in flight: the state that its client's side and its guest's side share. The permit
//! that it holds is issued by `limits` or by `fair_queue`.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::limits::Permit;
use crate::request_trace::RequestTrace;

/// The time limit for a request, from its first byte to the response's head, and from there to the
/// response's end.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// An admitted request. It holds its permit until neither side is left.
pub(crate) struct InFlight {
    client_disconnected: Notify,
    permit: Mutex<Permit>,
    timeout: Duration,
    trace: Option<RequestTrace>,
}

impl InFlight {
    /// Starts a request, whose guest may take up to `timeout`. Its trace is kept if it is recorded.
    pub(crate) fn start(
        permit: Permit,
        timeout: Duration,
        trace: Option<&RequestTrace>,
    ) -> (ClientGuard, Arc<Self>) {
        let request = Arc::new(Self {
            client_disconnected: Notify::new(),
            permit: Mutex::new(permit),
            timeout,
            trace: trace.filter(|trace| trace.is_recording()).cloned(),
        });
        (ClientGuard(Arc::clone(&request)), request)
    }

    /// Waits until the client's side is dropped.
    pub(crate) async fn client_disconnected(&self) {
        self.client_disconnected.notified().await;
    }

    /// How long the guest may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The request's trace, if it is recorded.
    pub(crate) fn trace(&self) -> Option<&RequestTrace> {
        self.trace.as_ref()
    }

    /// Exchanges the request's permit for one for long-running requests. Returns false, and keeps
    /// the permit, if none of those is free.
    pub(crate) fn mark_long_running(&self) -> bool {
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        permit.mark_long_running()
    }
}

/// The client's side of a request. It is dropped when the response was sent, or when the client
/// disconnects.
pub(crate) struct ClientGuard(Arc<InFlight>);

impl ClientGuard {
    /// See [`InFlight::mark_long_running`].
    pub(crate) fn mark_long_running(&self) -> bool {
        self.0.mark_long_running()
    }
}

impl Drop for ClientGuard {
    fn drop(&mut self) {
        self.0.client_disconnected.notify_one();
    }
}

/// The requests in flight of one instance.
#[derive(Default)]
pub(crate) struct InFlightSet(Vec<Weak<InFlight>>);

impl InFlightSet {
    pub(crate) fn add(&mut self, request: &Arc<InFlight>) {
        self.0.retain(|other| other.strong_count() > 0);
        self.0.push(Arc::downgrade(request));
    }

    /// The longest timeout of the requests in the set.
    pub(crate) fn max_timeout(&self) -> Duration {
        let requests = self.0.iter().filter_map(Weak::upgrade);
        let longest = requests.map(|request| request.timeout).max();
        longest.unwrap_or(REQUEST_TIMEOUT)
    }

    /// Returns whether all requests are finished.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|request| request.strong_count() == 0)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::admission::limits::{Limits, RequestClass, SharedLimits};

    #[tokio::test(start_paused = true)]
    async fn a_request_is_finished_when_both_sides_are_dropped() -> anyhow::Result<()> {
        let limits = Limits::new(1, 0, SharedLimits::new());
        let acquire = async || {
            let permit = limits.acquire(RequestClass::Standard).await;
            permit.map_err(|rejection| anyhow::anyhow!("{rejection:?}"))
        };
        let mut requests = InFlightSet::default();
        assert!(requests.is_empty());

        let (client, guest) = InFlight::start(acquire().await?, REQUEST_TIMEOUT, None);
        requests.add(&guest);
        assert!(guest.client_disconnected().now_or_never().is_none());
        drop(client);
        assert!(guest.client_disconnected().now_or_never().is_some());
        assert!(!requests.is_empty());
        assert!(acquire().await.is_err());

        drop(guest);
        assert!(requests.is_empty());
        assert!(acquire().await.is_ok());
        Ok(())
    }
}
