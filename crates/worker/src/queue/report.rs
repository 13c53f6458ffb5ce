//! The report on deliveries, and its printed form.
//! The report on a round lives in `jobs::report`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::outcome::AttemptOutcome;

/// The outcomes of a number of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    /// The noun for the deliveries, such as notifications.
    #[serde(skip)]
    noun: &'static str,
    /// The number of deliveries that were accepted by their recipients.
    pub sent: usize,
    /// The number of attempts that failed and are to be retried.
    pub retried: usize,
    /// The number of deliveries that became dead letters.
    pub dead_letters: usize,
    /// The reasons of failures, with the number of attempts.
    pub reasons: BTreeMap<String, usize>,
}

impl DeliveryReport {
    pub(crate) fn new(noun: &'static str) -> Self {
        Self {
            noun,
            sent: 0,
            retried: 0,
            dead_letters: 0,
            reasons: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, outcome: &AttemptOutcome) {
        let reason = match outcome {
            AttemptOutcome::Sent(_) => {
                self.sent += 1;
                return;
            }
            AttemptOutcome::Retry(reason, _) => {
                self.retried += 1;
                reason
            }
            AttemptOutcome::DeadLetter(reason) => {
                self.dead_letters += 1;
                reason
            }
        };
        *self.reasons.entry(reason.clone()).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: DeliveryReport) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.dead_letters += other.dead_letters;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// Returns whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == DeliveryReport::new(self.noun)
    }
}

impl Display for DeliveryReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} sent: {}, to be retried: {}, dead letters: {}",
            self.noun, self.sent, self.retried, self.dead_letters
        )?;
        for (reason, count) in &self.reasons {
            write!(out, "\n  {reason}: {count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_counts_and_gives_reasons() {
        let mut report = DeliveryReport::new("notifications");
        assert!(report.is_empty());
        report.add(&AttemptOutcome::Sent("7".to_owned()));
        let retry = AttemptOutcome::Retry("resend answered 500".to_owned(), Duration::ZERO);
        report.add(&retry);
        let mut other = DeliveryReport::new("notifications");
        other.add(&retry);
        other.add(&AttemptOutcome::DeadLetter(
            "resend answered 422".to_owned(),
        ));
        report.merge(other);
        assert_eq!(
            report.to_string(),
            "notifications sent: 1, to be retried: 2, dead letters: 1
  resend answered 422: 1
  resend answered 500: 2"
        );
    }
}
