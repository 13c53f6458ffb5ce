//! Concurrency limits and memory budgets for the requests of clients. Requests of one component to
//! another are limited by `fair_queue`.
//!
//! | limit | applies to |
//! |---|---|
//! | standard | a request, once its body has been received or is about to be streamed |
//! | long-running | a request that has taken a while, such as a long poll or a slow reader |
//! | streamed bodies | bytes of large bodies that components read as they arrive |
//! | reserved | health checks, which must be answered when everything else has to wait |
//! | buffers | bytes of request and response bodies that the host has in memory |
//!
//! All threads share the limits for bytes; the others are limits of each thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fair_queue::QueuePermit;

/// How long a request waits for a permit.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request with a streamed body waits for those before it. The host has none of the body
/// in memory meanwhile. Some clients give up a connection on which they could send nothing for half
/// a minute.
const STREAMED_BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The number of requests with streamed bodies that may wait on one thread.
const MAX_QUEUED_STREAMED_BODIES: usize = 16;

/// MiB that the streamed bodies of concurrent requests may have, over all threads: a component may
/// take four times the size of a body in memory.
const MAX_STREAMED_MIB: u32 = 128;

/// The same on one thread, because one instance may get all of them. It is also the length of the
/// longest body that an application accepts.
const MAX_STREAMED_MIB_PER_THREAD: u32 = 64;

/// Permits on each thread that are reserved for health checks.
const RESERVED_PERMITS: usize = 4;

/// Bytes that all buffered request bodies may take, beyond those that each connection has without
/// being counted.
pub(crate) const MAX_REQUEST_BUFFER_BYTES: usize = 64 << 20;

/// The same for buffered response bodies.
const MAX_RESPONSE_BUFFER_BYTES: usize = 64 << 20;

/// The limits that all threads share.
#[derive(Clone)]
pub(crate) struct SharedLimits {
    streamed_mib: Arc<Semaphore>,
    request_buffer_bytes: Arc<Semaphore>,
    response_buffer_bytes: Arc<Semaphore>,
}

impl SharedLimits {
    pub(crate) fn new() -> Self {
        Self {
            streamed_mib: Arc::new(Semaphore::new(MAX_STREAMED_MIB as usize)),
            request_buffer_bytes: Arc::new(Semaphore::new(MAX_REQUEST_BUFFER_BYTES)),
            response_buffer_bytes: Arc::new(Semaphore::new(MAX_RESPONSE_BUFFER_BYTES)),
        }
    }
}

/// The limits of one thread.
pub(crate) struct Limits {
    standard: Arc<Semaphore>,
    long_running: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    streamed_mib: Arc<Semaphore>,
    streamed_body_queue: Arc<Semaphore>,
    shared: SharedLimits,
}

/// The class of a request, which decides on the limits that apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestClass {
    Standard,
    /// The component reads the body as it arrives.
    StreamedBody {
        /// None if the client has not declared it.
        content_length: Option<u64>,
    },
    HealthCheck,
}

/// The reason why a request gets no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    TooManyRequests,
    TooManyStreamedBodies,
}

/// The permission to run a request, until it is dropped.
pub(crate) struct Permit {
    slot: Slot,
    /// Permits for long-running requests; none if the permit is one of those already.
    long_running: Option<Arc<Semaphore>>,
    _streamed_mib: Option<[OwnedSemaphorePermit; 2]>,
}

/// The place of a request among those that run, which is free again when it is dropped.
enum Slot {
    Limit { _permit: OwnedSemaphorePermit },
    Queue { _permit: QueuePermit },
}

impl From<OwnedSemaphorePermit> for Slot {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self::Limit { _permit: permit }
    }
}

impl From<QueuePermit> for Permit {
    fn from(permit: QueuePermit) -> Self {
        Self {
            slot: Slot::Queue { _permit: permit },
            long_running: None,
            _streamed_mib: None,
        }
    }
}

impl Limits {
    /// The limits of a thread that runs so many standard and so many long-running requests.
    pub(crate) fn new(standard: usize, long_running: usize, shared: SharedLimits) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            standard: semaphore(standard),
            long_running: semaphore(long_running),
            reserved: semaphore(RESERVED_PERMITS),
            streamed_mib: semaphore(MAX_STREAMED_MIB_PER_THREAD as usize),
            streamed_body_queue: semaphore(MAX_QUEUED_STREAMED_BODIES),
            shared,
        }
    }

    /// Bytes that are left for buffered request bodies.
    pub(crate) fn request_buffer_bytes(&self) -> &Arc<Semaphore> {
        &self.shared.request_buffer_bytes
    }

    /// Bytes that are left for buffered response bodies.
    pub(crate) fn response_buffer_bytes(&self) -> &Arc<Semaphore> {
        &self.shared.response_buffer_bytes
    }

    /// Acquires a permit, for which it waits if necessary.
    ///
    /// # Errors
    ///
    /// No permit becomes free in time, or too many requests wait already.
    pub(crate) async fn acquire(&self, class: RequestClass) -> Result<Permit, Rejection> {
        let semaphore = if class == RequestClass::HealthCheck {
            &self.reserved
        } else {
            &self.standard
        };
        let streamed_mib = match class {
            RequestClass::StreamedBody { content_length } => {
                Some(self.acquire_streamed_mib(content_length).await?)
            }
            RequestClass::Standard | RequestClass::HealthCheck => None,
        };
        let permit = match Arc::clone(semaphore).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => timeout(PERMIT_TIMEOUT, Arc::clone(semaphore).acquire_owned())
                .await
                .ok_or(Rejection::TooManyRequests)?,
        };
        Ok(Permit {
            slot: permit.into(),
            long_running: Some(Arc::clone(&self.long_running)),
            _streamed_mib: streamed_mib,
        })
    }

    async fn acquire_streamed_mib(
        &self,
        content_length: Option<u64>,
    ) -> Result<[OwnedSemaphorePermit; 2], Rejection> {
        let rejected = Rejection::TooManyStreamedBodies;
        let _queued = self
            .streamed_body_queue
            .try_acquire()
            .map_err(|_| rejected)?;
        let mib = streamed_mib(content_length);
        let both = async {
            let of_thread = Arc::clone(&self.streamed_mib)
                .acquire_many_owned(mib)
                .await?;
            let shared = Arc::clone(&self.shared.streamed_mib);
            let shared = shared.acquire_many_owned(mib).await?;
            Ok::<_, tokio::sync::AcquireError>([of_thread, shared])
        };
        timeout(STREAMED_BODY_TIMEOUT, both).await.ok_or(rejected)
    }
}

/// The MiB that a streamed body counts. One whose length is undeclared or too large counts as the
/// longest.
fn streamed_mib(content_length: Option<u64>) -> u32 {
    content_length
        .and_then(|bytes| u32::try_from(bytes.div_ceil(1 << 20)).ok())
        .map_or(MAX_STREAMED_MIB_PER_THREAD, |mib| {
            mib.min(MAX_STREAMED_MIB_PER_THREAD)
        })
}

/// The successful output of a future, if it comes in time.
async fn timeout<T, E>(
    duration: Duration,
    future: impl Future<Output = Result<T, E>>,
) -> Option<T> {
    tokio::time::timeout(duration, future).await.ok()?.ok()
}

impl Permit {
    /// Exchanges the permit for one for long-running requests, if one is free. Returns whether it
    /// is one of those now.
    pub(crate) fn mark_long_running(&mut self) -> bool {
        if let Some(long_running) = &self.long_running
            && let Ok(permit) = Arc::clone(long_running).try_acquire_owned()
        {
            self.slot = permit.into();
            self.long_running = None;
        }
        self.long_running.is_none()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_running_request_frees_its_standard_permit() -> anyhow::Result<()> {
        let limits = Limits::new(2, 1, SharedLimits::new());
        let acquire = async || {
            let permit = limits.acquire(RequestClass::Standard).await;
            permit.map_err(|rejection| anyhow::anyhow!("{rejection:?}"))
        };
        let rejected = async || limits.acquire(RequestClass::Standard).await.err();
        let (mut first, mut second) = (acquire().await?, acquire().await?);
        assert_eq!(rejected().await, Some(Rejection::TooManyRequests));
        assert!(first.mark_long_running() && first.mark_long_running());
        let _third = acquire().await?;
        assert!(!second.mark_long_running());
        assert_eq!(rejected().await, Some(Rejection::TooManyRequests));
        drop(first);
        assert!(second.mark_long_running());
        acquire().await?;
        Ok(())
    }

    /// A body of undeclared length.
    const LONGEST_BODY: RequestClass = RequestClass::StreamedBody {
        content_length: None,
    };

    #[tokio::test(start_paused = true)]
    async fn streamed_bodies_count_by_their_length() {
        let limits = Limits::new(20, 0, SharedLimits::new());
        let class = RequestClass::StreamedBody {
            content_length: Some(6_000_000),
        };
        let mut permits = Vec::new();
        for _ in 0..10 {
            permits.push(limits.acquire(class).await);
        }
        assert!(permits.iter().all(Result::is_ok));
        assert!(limits.acquire(LONGEST_BODY).now_or_never().is_none());
        assert!(limits.acquire(class).now_or_never().is_none());
        permits.pop();
        assert!(limits.acquire(class).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn health_checks_have_reserved_permits() {
        let limits = Limits::new(0, 0, SharedLimits::new());
        assert!(limits.acquire(RequestClass::Standard).await.is_err());
        assert!(limits.acquire(RequestClass::HealthCheck).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn streamed_bodies_are_limited_per_thread_and_over_all_threads() {
        let shared = SharedLimits::new();
        let threads: Vec<_> = (0..3).map(|_| Limits::new(4, 4, shared.clone())).collect();
        let first = threads[0].acquire(LONGEST_BODY).await;
        assert!(first.is_ok());
        assert!(threads[0].acquire(LONGEST_BODY).now_or_never().is_none());
        let second = threads[1].acquire(LONGEST_BODY).await;
        assert!(second.is_ok());
        assert_eq!(
            threads[2].acquire(LONGEST_BODY).await.err(),
            Some(Rejection::TooManyStreamedBodies)
        );
        assert!(threads[0].acquire(RequestClass::Standard).await.is_ok());
        drop(first);
        assert!(threads[2].acquire(LONGEST_BODY).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_for_streamed_bodies_is_bounded() {
        let limits = Limits::new(100, 0, SharedLimits::new());
        let _first = limits.acquire(LONGEST_BODY).await;
        let mut queued: Vec<_> = (0..MAX_QUEUED_STREAMED_BODIES)
            .map(|_| Box::pin(limits.acquire(LONGEST_BODY)))
            .collect();
        for request in &mut queued {
            assert!(request.now_or_never().is_none());
        }
        let rejected = limits.acquire(LONGEST_BODY).now_or_never();
        assert!(rejected.is_some_and(|permit| permit.is_err()));
    }
}
