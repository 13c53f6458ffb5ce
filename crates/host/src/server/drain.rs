//! Draining: after the signal to stop, the host goes on serving for a while and sends clients
//! elsewhere. The requests that are still in flight afterwards are awaited in `connection`.
//!
//! A client that sends a request over an idle connection while the server closes that connection
//! cannot know whether the request was processed. So the host closes no connection at first: each
//! response says that its connection ends with it, and the health endpoint reports that the host
//! is about to stop, so that a load balancer sends it no more requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use http::header::{CONNECTION, HeaderValue};

/// The state of the drain, which all serving threads share, and its duration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    started: Arc<AtomicBool>,
    pub(crate) duration: Duration,
}

impl Drain {
    /// Starts the drain and waits until it is over.
    pub(crate) async fn run(&self) {
        self.started.store(true, Ordering::Relaxed);
        tokio::time::sleep(self.duration).await;
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// During the drain, makes the response the last one on its connection.
    pub(crate) fn close_connection_after<B>(&self, response: &mut Response<B>) {
        if self.has_started() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}
