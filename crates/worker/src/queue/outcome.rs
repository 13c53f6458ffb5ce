//! The result of an attempt, and the outcome that follows from it: sent, to be retried, or a dead letter.
//! Recording outcomes lives with each queue.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use rand::RngExt;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The times at which failed deliveries are retried.
pub(crate) struct RetrySchedule {
    /// The seconds between each attempt and the next. A delivery that fails after the last delay is a dead letter.
    pub(crate) delays: &'static [u64],
    /// The random factor on each delay. It keeps deliveries that failed together from being retried together.
    pub(crate) jitter: RangeInclusive<f64>,
    /// The longest `Retry-After` that is respected.
    pub(crate) max_retry_after: Duration,
}

/// The shortest time between two attempts.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendResult {
    /// The recipient has accepted the message, under this id of its own.
    Accepted(String),
    /// The attempt failed, and another one may succeed.
    Failed {
        /// The reason, in plain words.
        reason: String,
        /// The wait that the recipient asks for.
        retry_after: Option<Duration>,
    },
    /// The message will never be accepted, for this reason.
    Rejected(String),
}

/// The outcome that is recorded of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// Sent, under the recipient's id.
    Sent(String),
    /// To be retried after a delay, with the reason of the failure.
    Retry(String, Duration),
    /// A dead letter, with the reason of the last failure.
    DeadLetter(String),
}

impl SendResult {
    /// A failure of which the recipient has not said when to try again.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// The outcome of the attempt with this number, from 1.
    pub(crate) fn outcome(self, attempt: i32, schedule: &RetrySchedule) -> AttemptOutcome {
        match self {
            Self::Accepted(id) => AttemptOutcome::Sent(id),
            Self::Rejected(reason) => AttemptOutcome::DeadLetter(reason),
            Self::Failed {
                reason,
                retry_after,
            } => match schedule.delay(attempt) {
                Some(delay) => {
                    let requested = retry_after
                        .unwrap_or_default()
                        .min(schedule.max_retry_after);
                    AttemptOutcome::Retry(reason, delay.max(requested).max(MIN_DELAY))
                }
                None => AttemptOutcome::DeadLetter(reason),
            },
        }
    }
}

impl RetrySchedule {
    /// The delay after the attempt with this number. After the last one there is none.
    fn delay(&self, attempt: i32) -> Option<Duration> {
        let index = usize::try_from(attempt - 1).unwrap_or(0);
        let seconds = self.delays.get(index)?;
        let factor = rand::rng().random_range(self.jitter.clone());
        Some(Duration::from_secs(*seconds).mul_f64(factor))
    }
}

/// The wait that a response asks for in `Retry-After` (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?.trim())
}

/// Parses `Retry-After`: seconds, or a date.
fn parse_retry_after(text: &str) -> Option<Duration> {
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

    const SCHEDULE: RetrySchedule = RetrySchedule {
        delays: &[10, 100, 1000],
        jitter: 0.5..=1.5,
        max_retry_after: Duration::from_secs(3600),
    };

    fn delay(attempt: i32, retry_after: Option<Duration>) -> Duration {
        let result = SendResult::Failed {
            reason: "r".to_owned(),
            retry_after,
        };
        match result.outcome(attempt, &SCHEDULE) {
            AttemptOutcome::Retry(_, delay) => delay,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn delays_follow_the_schedule_and_differ() {
        for (attempt, usual) in [(1, 10.0), (2, 100.0), (3, 1000.0)] {
            let chosen: Vec<Duration> = (0..50).map(|_| delay(attempt, None)).collect();
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
    fn a_requested_wait_is_respected() {
        let asked = Duration::from_secs(600);
        assert_eq!(delay(1, Some(asked)), asked);
        assert_eq!(delay(1, Some(Duration::MAX)), SCHEDULE.max_retry_after);
        assert_eq!(parse_retry_after("120"), Some(Duration::from_secs(120)));
        let date = httpdate::fmt_http_date(SystemTime::now() + asked);
        let read = parse_retry_after(&date).unwrap();
        assert!(read <= asked && read > asked - Duration::from_secs(60));
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(parse_retry_after("soon"), None);
    }

    #[test]
    fn after_the_last_attempt_or_a_rejection_there_is_no_other() {
        let last = SendResult::failed("busy").outcome(4, &SCHEDULE);
        assert_eq!(last, AttemptOutcome::DeadLetter("busy".to_owned()));
        let rejected = SendResult::Rejected("no".to_owned()).outcome(1, &SCHEDULE);
        assert_eq!(rejected, AttemptOutcome::DeadLetter("no".to_owned()));
        let accepted = SendResult::Accepted("7".to_owned()).outcome(99, &SCHEDULE);
        assert_eq!(accepted, AttemptOutcome::Sent("7".to_owned()));
    }
}
