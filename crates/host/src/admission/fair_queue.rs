//! The queue for requests of one component to another: it bounds how many run and wait, and shares
//! the permits fairly among clients. The requests themselves are sent by `wasm::services`.
//!
//! A request may name the client on whose behalf it is sent in the header `fair-queue-key`: a
//! group, such as a network, and one of its members. Permits go round robin to groups, and within
//! a group to its members, so that a client that sends many requests delays others by few of them.
//! When the queue is full, it drops a request of the client that has the most in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::sync::oneshot;

/// The header that names the client: a group and a member, separated by a space.
const FAIR_QUEUE_KEY: HeaderName = HeaderName::from_static("fair-queue-key");

/// How long a request waits for a permit.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(8);

/// How many requests wait. For each, a client's request waits as well and holds a permit of its
/// own.
const MAX_QUEUED: usize = 128;

/// The number of permits after which the queue forgets that a client has had one.
const HISTORY_LENGTH: u64 = 1024;

/// The client on whose behalf a request is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    group: String,
    member: String,
}

impl ClientKey {
    /// Reads the key from the headers of a request. All requests without one have the same key.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let value = headers
            .get(FAIR_QUEUE_KEY)
            .and_then(|value| value.to_str().ok());
        let (group, member) = value
            .unwrap_or_default()
            .split_once(' ')
            .unwrap_or_default();
        Self {
            group: group.to_owned(),
            member: member.to_owned(),
        }
    }

    /// The key that stands for the whole group.
    fn of_group(&self) -> Self {
        Self {
            group: self.group.clone(),
            member: String::new(),
        }
    }
}

/// The queue is full, or the request waited too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejected;

/// A queue that shares its permits fairly among clients.
#[derive(Clone)]
pub(crate) struct FairQueue(Arc<Mutex<State>>);

/// The permission to run a request, until it is dropped.
pub(crate) struct QueuePermit(FairQueue);

struct State {
    free_permits: usize,
    /// In order of arrival.
    queued: Vec<Queued>,
    /// How many permits were issued.
    issued: u64,
    /// The number of the latest permit of each group, and of each of its members.
    last_issued: HashMap<ClientKey, u64>,
}

struct Queued {
    client: ClientKey,
    /// How many permits had been issued when the request arrived. A client that has had none is
    /// ranked as if its latest permit had been that one.
    arrived_at: u64,
    permit: oneshot::Sender<QueuePermit>,
}

impl FairQueue {
    /// A queue with so many permits.
    pub(crate) fn new(permits: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free_permits: permits,
            queued: Vec::new(),
            issued: 0,
            last_issued: HashMap::new(),
        })))
    }

    /// Acquires a permit, for which it waits if necessary.
    ///
    /// # Errors
    ///
    /// The queue is full of requests that come before this one, or no permit is issued in time.
    pub(crate) async fn acquire(&self, client: ClientKey) -> Result<QueuePermit, Rejected> {
        let permit = {
            let mut state = self.lock();
            if state.free_permits > 0 {
                state.free_permits -= 1;
                state.record_issued(&client);
                return Ok(QueuePermit(self.clone()));
            }
            state.enqueue(client)?
        };
        let permit = tokio::time::timeout(QUEUE_TIMEOUT, permit).await;
        permit.ok().and_then(Result::ok).ok_or(Rejected)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        // If the receiver is gone by now, the permit is dropped again here, after the lock is
        // released.
        let next = self.0.lock().dequeue();
        if let Some(next) = next {
            let _ = next.permit.send(QueuePermit(self.0.clone()));
        }
    }
}

impl State {
    fn enqueue(&mut self, client: ClientKey) -> Result<oneshot::Receiver<QueuePermit>, Rejected> {
        self.remove_cancelled();
        let (sender, receiver) = oneshot::channel();
        self.queued.push(Queued {
            client,
            arrived_at: self.issued,
            permit: sender,
        });
        if self.queued.len() > MAX_QUEUED {
            let dropped = self.newest_of_busiest_client();
            let is_this_one = dropped + 1 == self.queued.len();
            self.queued.remove(dropped);
            if is_this_one {
                return Err(Rejected);
            }
        }
        Ok(receiver)
    }

    fn remove_cancelled(&mut self) {
        self.queued.retain(|queued| !queued.permit.is_closed());
    }

    /// The index of the newest request of the member that has the most requests queued, within the
    /// group that has the most.
    fn newest_of_busiest_client(&self) -> usize {
        let mut counts: HashMap<ClientKey, usize> = HashMap::new();
        for Queued { client, .. } in &self.queued {
            *counts.entry(client.of_group()).or_default() += 1;
            if *client != client.of_group() {
                *counts.entry(client.clone()).or_default() += 1;
            }
        }
        let count = |client: &ClientKey| counts.get(client).copied().unwrap_or_default();
        let busiest =
            self.queued
                .iter()
                .enumerate()
                .max_by_key(|(index, Queued { client, .. })| {
                    (count(&client.of_group()), count(client), *index)
                });
        busiest.map_or(0, |(index, _)| index)
    }

    /// Takes the request that gets the next permit out of the queue. If there is none, the permit
    /// is free.
    fn dequeue(&mut self) -> Option<Queued> {
        self.remove_cancelled();
        let next = self
            .queued
            .iter()
            .enumerate()
            .min_by_key(|(index, queued)| {
                let last_issued = |client| {
                    self.last_issued
                        .get(client)
                        .copied()
                        .unwrap_or(queued.arrived_at)
                };
                let client = &queued.client;
                (last_issued(&client.of_group()), last_issued(client), *index)
            });
        let Some((index, _)) = next else {
            self.free_permits += 1;
            return None;
        };
        let next = self.queued.remove(index);
        self.record_issued(&next.client);
        Some(next)
    }

    fn record_issued(&mut self, client: &ClientKey) {
        self.issued += 1;
        self.last_issued.insert(client.of_group(), self.issued);
        self.last_issued.insert(client.clone(), self.issued);
        if self.issued.is_multiple_of(HISTORY_LENGTH) {
            let forgotten = self.issued - HISTORY_LENGTH;
            self.last_issued.retain(|_, number| *number > forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::FutureExt as _;

    use super::*;

    fn client(group: &str, member: &str) -> ClientKey {
        ClientKey {
            group: group.to_owned(),
            member: member.to_owned(),
        }
    }

    type Acquiring<'a> = Pin<Box<dyn Future<Output = Result<QueuePermit, Rejected>> + 'a>>;

    /// Enqueues a request.
    fn enqueue<'a>(queue: &'a FairQueue, group: &str, member: &str) -> Acquiring<'a> {
        let mut acquiring: Acquiring<'a> = Box::pin(queue.acquire(client(group, member)));
        assert!((&mut acquiring).now_or_never().is_none());
        acquiring
    }

    /// Returns the permit if it has been issued.
    fn issued(acquiring: &mut Acquiring<'_>) -> Option<QueuePermit> {
        acquiring.now_or_never().and_then(Result::ok)
    }

    #[test]
    fn the_header_names_a_group_and_a_member() {
        let mut headers = HeaderMap::new();
        assert_eq!(ClientKey::from_headers(&headers), ClientKey::default());
        headers.insert(FAIR_QUEUE_KEY, http::HeaderValue::from_static("a b"));
        assert_eq!(ClientKey::from_headers(&headers), client("a", "b"));
    }

    #[tokio::test(start_paused = true)]
    async fn permits_go_round_robin_to_groups_and_their_members() {
        let queue = FairQueue::new(1);
        let mut permit = queue.acquire(client("a", "1")).await.ok();
        let mut queued = vec![
            ("a1", enqueue(&queue, "a", "1")),
            ("a1", enqueue(&queue, "a", "1")),
            ("a2", enqueue(&queue, "a", "2")),
            ("b1", enqueue(&queue, "b", "1")),
        ];
        for expected in ["a1", "b1", "a2", "a1"] {
            drop(permit.take());
            let next = queued
                .iter_mut()
                .enumerate()
                .find_map(|(index, (_, acquiring))| {
                    issued(acquiring).map(|permit| (index, permit))
                });
            let (index, next) = next.expect("a permit was issued");
            assert_eq!(queued.remove(index).0, expected);
            permit = Some(next);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_client_does_not_overtake_requests_that_wait_longer() {
        let queue = FairQueue::new(1);
        let mut permit = queue.acquire(client("known", "1")).await.ok();
        let mut known = enqueue(&queue, "known", "1");
        let mut new = enqueue(&queue, "new", "1");
        drop(permit.take());
        permit = issued(&mut known);
        assert!(permit.is_some());
        drop(permit);
        assert!(issued(&mut new).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_drops_a_request_of_the_busiest_client() {
        let queue = FairQueue::new(1);
        let permit = queue.acquire(client("a", "1")).await;
        let mut many: Vec<_> = (0..MAX_QUEUED).map(|_| enqueue(&queue, "a", "1")).collect();
        let another_member = queue.acquire(client("a", "2")).now_or_never();
        assert!(another_member.is_none(), "another member is queued");
        let mut another_group = enqueue(&queue, "b", "1");
        let newest = many.pop().expect("a queued request");
        assert!(matches!(newest.now_or_never(), Some(Err(Rejected))));
        drop(permit);
        drop(issued(&mut many[0]));
        assert!(issued(&mut another_group).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_requests_get_no_permit_and_others_time_out() {
        let queue = FairQueue::new(1);
        let permit = queue.acquire(client("a", "1")).await;
        drop(enqueue(&queue, "b", "1"));
        let mut another = enqueue(&queue, "c", "1");
        drop(permit);
        let second = issued(&mut another);
        assert!(second.is_some());
        assert!(matches!(
            queue.acquire(client("a", "1")).await,
            Err(Rejected)
        ));
        drop(second);
        assert!(queue.acquire(client("a", "1")).now_or_never().is_some());
    }
}
