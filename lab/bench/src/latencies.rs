//! How long requests took, as counts that can be added up. Who takes the time belongs elsewhere.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

/// Longest latency that is told apart from longer ones, in microseconds: twice as long as any request may take.
const LONGEST: u64 = 60_000_000;

/// Significant digits that are kept.
const DIGITS: u8 = 3;

/// Latencies of a number of requests, in microseconds.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet. The range is fixed: a histogram that grows by itself does not grow when it saturates.
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(LONGEST, DIGITS)?))
    }

    /// Counts one request.
    pub(super) fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
        self.0.saturating_record(microseconds);
    }

    /// Counts the requests of others too.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// How many requests were counted.
    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of the requests did not pass, in milliseconds.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }

    /// The longest, in milliseconds.
    pub(super) fn longest(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_far_apart_are_told_apart() -> Result<()> {
        let mut first = Latencies::new()?;
        for milliseconds in 1..=99 {
            first.record(Duration::from_millis(milliseconds));
        }
        let mut second = Latencies::new()?;
        second.record(Duration::from_secs(20));
        first.add(&second)?;

        assert_eq!(first.count(), 100);
        assert!((first.quantile(0.5) - 50.0).abs() < 0.1);
        assert!((first.quantile(0.99) - 99.0).abs() < 0.1);
        assert!((first.longest() - 20_000.0).abs() < 20.0);
        Ok(())
    }
}
