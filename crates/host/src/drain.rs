//! The time between being told to stop and stopping: requests are still served, and clients are sent elsewhere.
//!
//! A client that sends a request over an idle connection at the moment in which the server closes it cannot know whether the
//! request was begun. So nothing is closed at first: each answer says that its connection ends with it, and the health
//! path says that this host is about to go, so that a balancer sends nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use http::header::{CONNECTION, HeaderValue};

/// Whether it has begun, for all threads that serve, and how long it takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    begun: Arc<AtomicBool>,
    pub(crate) time: Duration,
}

impl Drain {
    /// Begins it and waits until its time is over.
    pub(crate) async fn run(&self) {
        self.begun.store(true, Ordering::Relaxed);
        tokio::time::sleep(self.time).await;
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Has the client open a new connection for its next request.
    pub(crate) fn send_away<B>(&self, response: &mut Response<B>) {
        if self.has_begun() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}
