//! What became of an attempt, and what follows from it: delivered, tried again later, or given up.

use std::time::{Duration, SystemTime};

use rand::RngExt;

/// How often a message is tried before it is given up.
pub(crate) const MOST_ATTEMPTS: i32 = 10;

/// Within what the second attempt lies; each further one within three times that of the one before.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// Within what any attempt lies. All ten together take 21 hours at the most: providers remember a key for a day.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);

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
    pub(crate) fn verdict(self, attempt: i32) -> Verdict {
        match self {
            Outcome::Accepted(id) => Verdict::Sent(id),
            Outcome::Never(reason) => Verdict::Dead(reason),
            Outcome::Later { reason, .. } if attempt >= MOST_ATTEMPTS => Verdict::Dead(reason),
            Outcome::Later { reason, wait } => {
                // Full jitter: those that failed together do not come back together.
                let within = longest_wait(attempt);
                let chosen = within.mul_f64(rand::rng().random_range(0.0..=1.0));
                let asked = wait.unwrap_or_default().min(LONGEST_WAIT);
                Verdict::Retry(reason, chosen.max(asked).max(SHORTEST_WAIT))
            }
        }
    }
}

/// Within what the attempt lies that follows the one of this number.
fn longest_wait(attempt: i32) -> Duration {
    let earlier = u32::try_from(attempt - 1).unwrap_or(0);
    3_u32
        .checked_pow(earlier)
        .and_then(|factor| FIRST_WAIT.checked_mul(factor))
        .map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

/// What `Retry-After` says: seconds, or a date.
pub(crate) fn retry_after(text: &str) -> Option<Duration> {
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

    fn waits(attempt: i32, wait: Option<Duration>) -> Duration {
        let outcome = Outcome::Later {
            reason: "r".to_owned(),
            wait,
        };
        match outcome.verdict(attempt) {
            Verdict::Retry(_, wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_grow_differ_and_end_within_a_day() {
        let longest: Vec<u64> = (1..MOST_ATTEMPTS)
            .map(|attempt| longest_wait(attempt).as_secs())
            .collect();
        assert_eq!(longest, [30, 90, 270, 810, 2430, 7290, 21600, 21600, 21600]);
        assert!(longest.iter().sum::<u64>() < 24 * 3600);
        assert_eq!(longest_wait(i32::MAX), LONGEST_WAIT);
        let chosen: Vec<Duration> = (0..50).map(|_| waits(5, None)).collect();
        assert!(chosen.iter().all(|wait| *wait <= longest_wait(5)));
        assert!(chosen.iter().any(|wait| *wait != chosen[0]));
    }

    #[test]
    fn a_provider_that_asks_for_time_gets_it() {
        let asked = Duration::from_secs(600);
        assert!(waits(1, Some(asked)) == asked);
        assert!(waits(1, Some(Duration::MAX)) == LONGEST_WAIT);
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
        let last = Outcome::later("busy".to_owned()).verdict(MOST_ATTEMPTS);
        assert_eq!(last, Verdict::Dead("busy".to_owned()));
        let refused = Outcome::Never("no".to_owned()).verdict(1);
        assert_eq!(refused, Verdict::Dead("no".to_owned()));
        let taken = Outcome::Accepted("7".to_owned()).verdict(99);
        assert_eq!(taken, Verdict::Sent("7".to_owned()));
    }
}
