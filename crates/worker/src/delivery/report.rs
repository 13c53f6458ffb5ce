//! What was delivered, and how it is printed.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::outcome::Verdict;

/// What became of the deliveries of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What is delivered, such as notifications.
    what: &'static str,
    /// How many were taken by a provider.
    pub sent: usize,
    /// How many attempts failed that are to be repeated.
    pub retried: usize,
    /// How many were given up.
    pub dead: usize,
    /// Why attempts failed, and how often each.
    pub reasons: BTreeMap<String, usize>,
}

impl Report {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            sent: 0,
            retried: 0,
            dead: 0,
            reasons: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, verdict: &Verdict) {
        let reason = match verdict {
            Verdict::Sent(_) => {
                self.sent += 1;
                return;
            }
            Verdict::Retry(reason, _) => {
                self.retried += 1;
                reason
            }
            Verdict::Dead(reason) => {
                self.dead += 1;
                reason
            }
        };
        *self.reasons.entry(reason.clone()).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Report) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.dead += other.dead;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Report::new(self.what)
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} sent: {}, to be tried again: {}, given up: {}",
            self.what, self.sent, self.retried, self.dead
        )?;
        for (reason, count) in &self.reasons {
            write!(out, "\n  {count} times: {reason}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_counts_and_says_why() {
        let mut report = Report::new("notifications");
        assert!(report.is_empty());
        report.add(&Verdict::Sent("7".to_owned()));
        let later = Verdict::Retry("resend answered 500".to_owned(), Duration::ZERO);
        report.add(&later);
        let mut other = Report::new("notifications");
        other.add(&later);
        other.add(&Verdict::Dead("resend answered 422".to_owned()));
        report.merge(other);
        assert_eq!(
            report.to_string(),
            "notifications sent: 1, to be tried again: 2, given up: 1
  1 times: resend answered 422
  2 times: resend answered 500"
        );
    }
}
