//! The line before services: who waits for a turn, and whose is next.
//!
//! A question may say on whose behalf it is asked, in the header `turn-of`: a group, such as a network, and one of its members.
//! Groups take turns, and so do the members of each, so that however many questions one of them asks, the others wait for
//! few of these. When the line is full, whoever has most in it gives way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::sync::oneshot;

/// The header that says on whose behalf a question is asked: a group and a member, with a space between them.
const TURN_OF: HeaderName = HeaderName::from_static("turn-of");

/// How long a question waits for its turn.
const WAIT: Duration = Duration::from_secs(8);

/// How many wait. Each keeps a request waiting, which has a room.
const LONGEST: usize = 128;

/// After so many turns it is forgotten who had one.
const REMEMBERED: u64 = 1024;

/// On whose behalf a question is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    group: String,
    member: String,
}

impl Asker {
    /// Reads it from the headers of a question. Those that do not say are one group of one member.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(TURN_OF).and_then(|value| value.to_str().ok());
        let (group, member) = value
            .unwrap_or_default()
            .split_once(' ')
            .unwrap_or_default();
        Self {
            group: group.to_owned(),
            member: member.to_owned(),
        }
    }

    fn as_group(&self) -> Self {
        Self {
            group: self.group.clone(),
            member: String::new(),
        }
    }
}

/// There is no turn in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The line, which everybody shares.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Mutex<Line>>);

/// A turn, until it is dropped.
pub(crate) struct Turn(Turns);

struct Line {
    free: usize,
    /// In the order of their coming.
    waiting: Vec<Waiting>,
    turns: u64,
    /// The latest turn of each group, and of each of its members.
    latest: HashMap<Asker, u64>,
}

struct Waiting {
    asker: Asker,
    /// How many turns there had been when it came: whoever had none before begins there.
    since: u64,
    turn: oneshot::Sender<Turn>,
}

impl Turns {
    /// A line of which so many have a turn at a time.
    pub(crate) fn new(at_a_time: usize) -> Self {
        Self(Arc::new(Mutex::new(Line {
            free: at_a_time,
            waiting: Vec::new(),
            turns: 0,
            latest: HashMap::new(),
        })))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// When the line is full of others, or the turn does not come in time.
    pub(crate) async fn take(&self, asker: Asker) -> Result<Turn, TooMany> {
        let coming = {
            let mut line = self.lock();
            if line.free > 0 {
                line.free -= 1;
                line.note(&asker);
                return Ok(Turn(self.clone()));
            }
            line.join(asker)?
        };
        let in_time = tokio::time::timeout(WAIT, coming).await;
        in_time.ok().and_then(Result::ok).ok_or(TooMany)
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // One that was given to somebody who is gone by now comes back here, when the lock is free again.
        let next = self.0.lock().next();
        if let Some(next) = next {
            let _ = next.turn.send(Turn(self.0.clone()));
        }
    }
}

impl Line {
    fn join(&mut self, asker: Asker) -> Result<oneshot::Receiver<Turn>, TooMany> {
        self.waiting.retain(|waiting| !waiting.turn.is_closed());
        let (turn, coming) = oneshot::channel();
        let since = self.turns;
        self.waiting.push(Waiting { asker, since, turn });
        if self.waiting.len() > LONGEST {
            let last = self.last_of_most();
            let is_newcomer = last + 1 == self.waiting.len();
            self.waiting.remove(last);
            if is_newcomer {
                return Err(TooMany);
            }
        }
        Ok(coming)
    }

    /// The place of the newest question of the member who has most, within the group that has most.
    fn last_of_most(&self) -> usize {
        let mut counts: HashMap<Asker, usize> = HashMap::new();
        for waiting in &self.waiting {
            *counts.entry(waiting.asker.as_group()).or_default() += 1;
            if waiting.asker != waiting.asker.as_group() {
                *counts.entry(waiting.asker.clone()).or_default() += 1;
            }
        }
        let count = |asker: &Asker| counts.get(asker).copied().unwrap_or_default();
        let most = self
            .waiting
            .iter()
            .enumerate()
            .max_by_key(|(place, waiting)| {
                let asker = &waiting.asker;
                (count(&asker.as_group()), count(asker), *place)
            });
        most.map_or(0, |(place, _)| place)
    }

    /// Gives the turn to the next in line; without one it is free.
    fn next(&mut self) -> Option<Waiting> {
        self.waiting.retain(|waiting| !waiting.turn.is_closed());
        let next = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(place, waiting)| {
                let latest = |asker| self.latest.get(asker).copied().unwrap_or(waiting.since);
                let asker = &waiting.asker;
                (latest(&asker.as_group()), latest(asker), *place)
            });
        let Some((place, _)) = next else {
            self.free += 1;
            return None;
        };
        let next = self.waiting.remove(place);
        self.note(&next.asker);
        Some(next)
    }

    fn note(&mut self, asker: &Asker) {
        self.turns += 1;
        self.latest.insert(asker.as_group(), self.turns);
        self.latest.insert(asker.clone(), self.turns);
        if self.turns.is_multiple_of(REMEMBERED) {
            let forgotten = self.turns - REMEMBERED;
            self.latest.retain(|_, turn| *turn > forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::FutureExt as _;

    use super::*;

    fn asker(group: &str, member: &str) -> Asker {
        Asker {
            group: group.to_owned(),
            member: member.to_owned(),
        }
    }

    type Taking<'a> = Pin<Box<dyn Future<Output = Result<Turn, TooMany>> + 'a>>;

    /// Puts the question into the line.
    fn wait<'a>(turns: &'a Turns, group: &str, member: &str) -> Taking<'a> {
        let mut taking: Taking<'a> = Box::pin(turns.take(asker(group, member)));
        assert!((&mut taking).now_or_never().is_none());
        taking
    }

    /// Returns the turn if it has come.
    fn has_come(taking: &mut Taking<'_>) -> Option<Turn> {
        taking.now_or_never().and_then(Result::ok)
    }

    #[test]
    fn the_header_names_a_group_and_a_member() {
        let mut headers = HeaderMap::new();
        assert_eq!(Asker::of(&headers), Asker::default());
        headers.insert(TURN_OF, http::HeaderValue::from_static("a b"));
        assert_eq!(Asker::of(&headers), asker("a", "b"));
    }

    #[tokio::test(start_paused = true)]
    async fn groups_take_turns_and_so_do_their_members() {
        let turns = Turns::new(1);
        let mut turn = turns.take(asker("a", "1")).await.ok();
        let mut line = vec![
            ("a1", wait(&turns, "a", "1")),
            ("a1", wait(&turns, "a", "1")),
            ("a2", wait(&turns, "a", "2")),
            ("b1", wait(&turns, "b", "1")),
        ];
        for expected in ["a1", "b1", "a2", "a1"] {
            drop(turn.take());
            let come = line
                .iter_mut()
                .enumerate()
                .find_map(|(place, (_, taking))| has_come(taking).map(|turn| (place, turn)));
            let (place, came) = come.expect("somebody has the turn");
            assert_eq!(line.remove(place).0, expected);
            turn = Some(came);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_new_goes_before_nobody_who_waits_longer() {
        let turns = Turns::new(1);
        let mut turn = turns.take(asker("known", "1")).await.ok();
        let mut known = wait(&turns, "known", "1");
        let mut new = wait(&turns, "new", "1");
        drop(turn.take());
        turn = has_come(&mut known);
        assert!(turn.is_some());
        drop(turn);
        assert!(has_come(&mut new).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_most_in_a_full_line_gives_way() {
        let turns = Turns::new(1);
        let turn = turns.take(asker("a", "1")).await;
        let mut many: Vec<_> = (0..LONGEST).map(|_| wait(&turns, "a", "1")).collect();
        let one_more = turns.take(asker("a", "2")).now_or_never();
        assert!(one_more.is_none(), "another member has a place");
        let mut other = wait(&turns, "b", "1");
        let newest = many.pop().expect("one that waits");
        assert!(matches!(newest.now_or_never(), Some(Err(TooMany))));
        drop(turn);
        drop(has_come(&mut many[0]));
        assert!(has_come(&mut other).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long_or_for_somebody_who_is_gone() {
        let turns = Turns::new(1);
        let turn = turns.take(asker("a", "1")).await;
        drop(wait(&turns, "b", "1"));
        let mut other = wait(&turns, "c", "1");
        drop(turn);
        let second = has_come(&mut other);
        assert!(second.is_some());
        assert!(matches!(turns.take(asker("a", "1")).await, Err(TooMany)));
        drop(second);
        assert!(turns.take(asker("a", "1")).now_or_never().is_some());
    }
}
