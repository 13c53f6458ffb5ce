//! What became of an attempt, and what follows from it: delivered, tried again later, or given up.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use rand::RngExt;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// When what fails is tried again.
pub(crate) struct Schedule {
    /// The seconds between each attempt and the next. What fails once more than there are waits is given up.
    pub(crate) waits: &'static [u64],
    /// Between which parts of that the wait is chosen at random: those that failed together do not come back together.
    pub(crate) parts: RangeInclusive<f64>,
    /// The longest time for which somebody may ask to be left alone.
    pub(crate) longest: Duration,
}

/// The shortest time between two attempts.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider has it, under an id of its own.
    Accepted(String),
    /// It may go better at another time.
    Later {
        /// Why, in plain words.
        reason: String,
        /// How long the provider wants to be left alone.
        wait: Option<Duration>,
    },
    /// It will never be taken.
    Never(String),
}

/// What is recorded of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Delivered, under the provider's id.
    Sent(String),
    /// To be tried again, after a time.
    Retry(String, Duration),
    /// A dead letter.
    Dead(String),
}

impl Outcome {
    /// It may go better at another time.
    pub(crate) fn later(reason: String) -> Self {
        Outcome::Later { reason, wait: None }
    }

    /// What follows from the outcome of the attempt of this number, from 1.
    pub(crate) fn verdict(self, attempt: i32, schedule: &Schedule) -> Verdict {
        match self {
            Outcome::Accepted(id) => Verdict::Sent(id),
            Outcome::Never(reason) => Verdict::Dead(reason),
            Outcome::Later { reason, wait } => match schedule.wait(attempt) {
                Some(usual) => {
                    let asked = wait.unwrap_or_default().min(schedule.longest);
                    Verdict::Retry(reason, usual.max(asked).max(SHORTEST_WAIT))
                }
                None => Verdict::Dead(reason),
            },
        }
    }
}

impl Schedule {
    /// What is waited behind the attempt of this number; nothing behind the last.
    fn wait(&self, attempt: i32) -> Option<Duration> {
        let index = usize::try_from(attempt - 1).unwrap_or(0);
        let seconds = self.waits.get(index)?;
        let part = rand::rng().random_range(self.parts.clone());
        Some(Duration::from_secs(*seconds).mul_f64(part))
    }
}

/// How long the other side wants to be left alone (RFC 9110, section 10.2.3).
pub(crate) fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?.trim())
}

/// What `Retry-After` says: seconds, or a date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = httpdate::parse_http_date(text).ok()?;
    Some(
        time.duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        waits: &[10, 100, 1000],
        parts: 0.5..=1.5,
        longest: Duration::from_secs(3600),
    };

    fn waits(attempt: i32, wait: Option<Duration>) -> Duration {
        let outcome = Outcome::Later {
            reason: "r".to_owned(),
            wait,
        };
        match outcome.verdict(attempt, &SCHEDULE) {
            Verdict::Retry(_, wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_follow_the_schedule_and_differ() {
        for (attempt, usual) in [(1, 10.0), (2, 100.0), (3, 1000.0)] {
            let chosen: Vec<Duration> = (0..50).map(|_| waits(attempt, None)).collect();
            let around = usual * 0.5..=usual * 1.5;
            assert!(
                chosen
                    .iter()
                    .all(|wait| around.contains(&wait.as_secs_f64()))
            );
            assert!(chosen.iter().any(|wait| *wait != chosen[0]));
        }
    }

    #[test]
    fn a_provider_that_asks_for_time_gets_it() {
        let asked = Duration::from_secs(600);
        assert_eq!(waits(1, Some(asked)), asked);
        assert_eq!(waits(1, Some(Duration::MAX)), SCHEDULE.longest);
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        let date = httpdate::fmt_http_date(SystemTime::now() + asked);
        let read = retry_after(&date).unwrap();
        assert!(read <= asked && read > asked - Duration::from_secs(60));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn the_last_attempt_and_a_refusal_end_it() {
        let last = Outcome::later("busy".to_owned()).verdict(4, &SCHEDULE);
        assert_eq!(last, Verdict::Dead("busy".to_owned()));
        let refused = Outcome::Never("no".to_owned()).verdict(1, &SCHEDULE);
        assert_eq!(refused, Verdict::Dead("no".to_owned()));
        let taken = Outcome::Accepted("7".to_owned()).verdict(99, &SCHEDULE);
        assert_eq!(taken, Verdict::Sent("7".to_owned()));
    }
}
