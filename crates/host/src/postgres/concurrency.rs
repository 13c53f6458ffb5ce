//! The number of connections of a pool that are busy at a time. Connections are made and handed out
//! in `pool`.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The number of connections of a pool that are busy at a time, as long as each is soon free again.
/// More would compete for caches, here and in the server, and finish no statement sooner.
const MAX_PREFERRED_CONCURRENCY: usize = 4;

/// How long a connection may be busy before another one may be used beside it, so that a slow
/// statement delays no others.
const MAX_HOLD: Duration = Duration::from_millis(10);

/// Lets few connections of a pool be busy at a time.
#[derive(Clone)]
pub(crate) struct PreferredConcurrency {
    permits: Arc<Semaphore>,
    holders: Arc<Mutex<Holders>>,
}

/// The permits that are held, in the order in which they were taken.
#[derive(Default)]
struct Holders {
    last_id: u64,
    held: VecDeque<Holder>,
}

struct Holder {
    id: u64,
    since: Instant,
    permit: OwnedSemaphorePermit,
}

impl PreferredConcurrency {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_PREFERRED_CONCURRENCY)),
            holders: Arc::default(),
        }
    }

    /// Waits until a connection may be used. If one has been busy for too long, its permit goes to
    /// the caller.
    pub(crate) async fn acquire(&self) -> BusyConnection {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return self.hold(permit);
        }
        let mut permit = pin!(Arc::clone(&self.permits).acquire_owned());
        loop {
            let oldest = self.holders().held.front().map(|holder| holder.since);
            let deadline = oldest.unwrap_or_else(Instant::now) + MAX_HOLD;
            if let Ok(Ok(permit)) = timeout_at(deadline, permit.as_mut()).await {
                return self.hold(permit);
            }
            if let Some(permit) = self.take_over() {
                return self.hold(permit);
            }
        }
    }

    /// Takes the permit of the connection that has been busy for longest, if that is too long.
    fn take_over(&self) -> Option<OwnedSemaphorePermit> {
        let mut holders = self.holders();
        let oldest = holders.held.front()?;
        if oldest.since.elapsed() < MAX_HOLD {
            return None;
        }
        holders.held.pop_front().map(|holder| holder.permit)
    }

    fn hold(&self, permit: OwnedSemaphorePermit) -> BusyConnection {
        let mut holders = self.holders();
        holders.last_id += 1;
        let id = holders.last_id;
        holders.held.push_back(Holder {
            id,
            since: Instant::now(),
            permit,
        });
        BusyConnection {
            id,
            concurrency: self.clone(),
        }
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a connection as busy until it is dropped.
pub(crate) struct BusyConnection {
    id: u64,
    concurrency: PreferredConcurrency,
}

impl Drop for BusyConnection {
    fn drop(&mut self) {
        let mut holders = self.concurrency.holders();
        // If the permit has gone to another connection, there is none to give back.
        holders.held.retain(|holder| holder.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    async fn all_permits(concurrency: &PreferredConcurrency) -> Vec<BusyConnection> {
        let mut busy = Vec::new();
        for _ in 0..MAX_PREFERRED_CONCURRENCY {
            busy.push(concurrency.acquire().await);
        }
        busy
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_connection_waits_for_one_that_is_soon_free() {
        let concurrency = PreferredConcurrency::new();
        let mut busy = all_permits(&concurrency).await;
        let mut next = pin!(concurrency.acquire());
        assert!(next.as_mut().now_or_never().is_none());
        tokio::time::advance(MAX_HOLD / 2).await;
        assert!(next.as_mut().now_or_never().is_none());
        busy.pop();
        assert!(next.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_connection_delays_another_only_once() {
        let concurrency = PreferredConcurrency::new();
        let slow = all_permits(&concurrency).await;
        let started = Instant::now();
        let others = all_permits(&concurrency).await;
        assert_eq!(started.elapsed(), MAX_HOLD);
        // Connections whose permits were taken over give none back.
        drop(slow);
        assert!(concurrency.acquire().now_or_never().is_none());
        drop(others);
        assert_eq!(
            all_permits(&concurrency).await.len(),
            MAX_PREFERRED_CONCURRENCY
        );
    }
}
