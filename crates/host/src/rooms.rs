//! Rooms for requests: how many are under way at a time, and who waits for whom.
//!
//! | rooms | for |
//! |---|---|
//! | at work | a request from the moment in which its body is there |
//! | long | those that have been under way for a while: long polls, slow readers, slow statements |
//! | bodies | those whose component reads a long body as it comes, by its length, in all threads together |
//! | kept | the paths that are named for it: whether this host lives and can serve |
//! | turns | a question of one component to another: see `turns` |

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::intake::Announced;
use crate::pace::Pace;
use crate::problem::{Kind, Problem};
use crate::turns::Turn;
use crate::worker::REQUEST_TIMEOUT;
use crate::{intake, response};

/// How long a request waits while as many as can be are already under way.
const WAIT: Duration = Duration::from_secs(5);

/// How long a request with a long body waits for those before it. Nothing of it is held meanwhile. Some clients take a
/// connection for dead on which nothing could be sent for 30 s.
const LINE: Duration = Duration::from_secs(20);

/// How many of them wait on one thread.
const LONGEST_LINE: usize = 16;

/// MiB that the long bodies of requests under way may have, in all threads together: each may take
/// four times its body in memory.
const LONG_BODIES: u32 = 128;

/// The same on one thread, because one instance may have them all. The longest body that an application takes is no longer.
const LONG_BODIES_HERE: u32 = 64;

/// Rooms that are kept on each thread.
const KEPT: usize = 4;

const BUSY: Problem = Problem::new(Kind::Unavailable)
    .detail("Too much is under way; come again.")
    .retry_after(5);

const BUSY_WITH_BODIES: Problem = Problem::new(Kind::Unavailable)
    .detail("Other large bodies are under way; come again.")
    .retry_after(30)
    .closing();

/// The semaphores that all threads share.
#[derive(Clone)]
pub(crate) struct Shared {
    bodies: Arc<Semaphore>,
    /// Bytes that bodies may take before their request has a room.
    taken_in: Arc<Semaphore>,
    /// Bytes that answers may take when their request has none any more.
    answers: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(LONG_BODIES as usize)),
            taken_in: Arc::new(Semaphore::new(intake::ALL)),
            answers: Arc::new(Semaphore::new(response::ALL)),
        }
    }
}

/// The rooms of one thread.
pub(crate) struct Rooms {
    work: Arc<Semaphore>,
    long: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    line: Arc<Semaphore>,
    shared: Shared,
}

/// The purpose that a request needs a room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Work like any other.
    Work,
    /// Work on a body that is yet to come.
    LongBody(Announced),
    /// To say how this host is.
    Health,
}

impl Need {
    /// How long a guest may take: a body that it reads as it comes has its own time.
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::LongBody(_) => REQUEST_TIMEOUT + Pace::LONG.most,
            Self::Work | Self::Health => REQUEST_TIMEOUT,
        }
    }
}

/// A room that is taken until it is dropped.
pub(crate) struct Room {
    hold: Hold,
    /// Where to go when it takes long; none once it is there.
    long: Option<Arc<Semaphore>>,
    _body: Option<[OwnedSemaphorePermit; 2]>,
}

/// The thing that is given back when a room is left.
enum Hold {
    Permit { _permit: OwnedSemaphorePermit },
    Turn { _turn: Turn },
}

impl From<OwnedSemaphorePermit> for Hold {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self::Permit { _permit: permit }
    }
}

impl From<Turn> for Room {
    fn from(turn: Turn) -> Self {
        Self {
            hold: Hold::Turn { _turn: turn },
            long: None,
            _body: None,
        }
    }
}

impl Rooms {
    /// Rooms for so many requests at work, and for so many that take long.
    pub(crate) fn new(work: usize, long: usize, shared: Shared) -> Self {
        let rooms = |count| Arc::new(Semaphore::new(count));
        Self {
            work: rooms(work),
            long: rooms(long),
            kept: rooms(KEPT),
            bodies: rooms(LONG_BODIES_HERE as usize),
            line: rooms(LONGEST_LINE),
            shared,
        }
    }

    /// Bytes that bodies may take before their request has a room.
    pub(crate) fn taken_in(&self) -> &Arc<Semaphore> {
        &self.shared.taken_in
    }

    /// Bytes that answers may take when their request has no room any more.
    pub(crate) fn answers(&self) -> &Arc<Semaphore> {
        &self.shared.answers
    }

    /// Takes a room, and waits for it if need be.
    ///
    /// # Errors
    ///
    /// 503 when none becomes free in time.
    pub(crate) async fn take(&self, need: Need) -> Result<Room, Problem> {
        let rooms = if need == Need::Health {
            &self.kept
        } else {
            &self.work
        };
        let body = match need {
            Need::LongBody(announced) => Some(self.take_body(announced).await?),
            Need::Work | Need::Health => None,
        };
        let permit = match Arc::clone(rooms).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => within(WAIT, Arc::clone(rooms).acquire_owned())
                .await
                .ok_or(BUSY)?,
        };
        Ok(Room {
            hold: permit.into(),
            long: Some(Arc::clone(&self.long)),
            _body: body,
        })
    }

    async fn take_body(&self, announced: Announced) -> Result<[OwnedSemaphorePermit; 2], Problem> {
        let _place = self.line.try_acquire().map_err(|_| BUSY_WITH_BODIES)?;
        let size = mebibytes(announced);
        let both = async {
            let here = Arc::clone(&self.bodies).acquire_many_owned(size).await?;
            let anywhere = Arc::clone(&self.shared.bodies);
            let anywhere = anywhere.acquire_many_owned(size).await?;
            Ok::<_, tokio::sync::AcquireError>([here, anywhere])
        };
        within(LINE, both).await.ok_or(BUSY_WITH_BODIES)
    }
}

/// The MiB that a body counts: one whose length is not announced, or is too large, counts as the longest.
fn mebibytes(announced: Announced) -> u32 {
    let announced = announced
        .0
        .and_then(|length| u32::try_from(length.div_ceil(1 << 20)).ok());
    announced.map_or(LONG_BODIES_HERE, |size| size.min(LONG_BODIES_HERE))
}

async fn within<T, E>(time: Duration, what: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(time, what).await.ok()?.ok()
}

impl Room {
    /// Makes way for others if there is a room among those that take long; returns whether it is in one.
    pub(crate) fn make_way(&mut self) -> bool {
        if let Some(long) = &self.long
            && let Ok(permit) = Arc::clone(long).try_acquire_owned()
        {
            self.hold = permit.into();
            self.long = None;
        }
        self.long.is_none()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_long_makes_way_while_there_are_rooms_for_it() -> anyhow::Result<()> {
        let rooms = Rooms::new(2, 1, Shared::new());
        let take = async || {
            let room = rooms.take(Need::Work).await;
            room.map_err(|problem| anyhow::anyhow!("{problem:?}"))
        };
        let (mut first, mut second) = (take().await?, take().await?);
        assert_eq!(rooms.take(Need::Work).await.err(), Some(BUSY));
        assert!(first.make_way() && first.make_way());
        let _third = take().await?;
        assert!(!second.make_way());
        assert_eq!(rooms.take(Need::Work).await.err(), Some(BUSY));
        drop(first);
        assert!(second.make_way());
        take().await?;
        Ok(())
    }

    /// A body of which nobody has said how long it is.
    const LONGEST: Need = Need::LongBody(Announced(None));

    #[tokio::test(start_paused = true)]
    async fn bodies_that_are_not_so_long_do_not_wait_for_one_another() {
        let rooms = Rooms::new(20, 0, Shared::new());
        let need = Need::LongBody(Announced(Some(6_000_000)));
        let mut under_way = Vec::new();
        for _ in 0..10 {
            under_way.push(rooms.take(need).await);
        }
        assert!(under_way.iter().all(Result::is_ok));
        assert!(rooms.take(LONGEST).now_or_never().is_none());
        assert!(rooms.take(need).now_or_never().is_none());
        under_way.pop();
        assert!(rooms.take(need).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn health_has_rooms_of_its_own() {
        let rooms = Rooms::new(0, 0, Shared::new());
        assert!(rooms.take(Need::Work).await.is_err());
        assert!(rooms.take(Need::Health).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn long_bodies_wait_for_one_another_and_for_nobody_else() {
        let shared = Shared::new();
        let threads: Vec<_> = (0..3).map(|_| Rooms::new(4, 4, shared.clone())).collect();
        let first = threads[0].take(LONGEST).await;
        assert!(first.is_ok());
        assert!(threads[0].take(LONGEST).now_or_never().is_none());
        let second = threads[1].take(LONGEST).await;
        assert!(second.is_ok());
        assert_eq!(threads[2].take(LONGEST).await.err(), Some(BUSY_WITH_BODIES));
        assert!(threads[0].take(Need::Work).await.is_ok());
        drop(first);
        assert!(threads[2].take(LONGEST).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_is_short() {
        let rooms = Rooms::new(100, 0, Shared::new());
        let _first = rooms.take(LONGEST).await;
        let mut waiting: Vec<_> = (0..LONGEST_LINE)
            .map(|_| Box::pin(rooms.take(LONGEST)))
            .collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        let refused = rooms.take(LONGEST).now_or_never();
        assert!(refused.is_some_and(|room| room.is_err()));
    }
}
