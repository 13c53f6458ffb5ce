//! A histogram of latencies.
//! The requests are sent and timed in `load`.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest latency that is recorded exactly, in microseconds, twice the timeout of a request.
const MAX_MICROSECONDS: u64 = 60_000_000;

/// The significant digits of a recorded latency.
const SIGNIFICANT_DIGITS: u8 = 3;

/// The latencies of a number of requests, in microseconds.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    /// Returns an empty histogram with a fixed range, because one that resizes itself does not do so when it saturates.
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(
            MAX_MICROSECONDS,
            SIGNIFICANT_DIGITS,
        )?))
    }

    /// Records the latency of one request.
    pub(super) fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(MAX_MICROSECONDS);
        self.0.saturating_record(microseconds);
    }

    /// Adds the latencies of another histogram.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// Returns the number of recorded requests.
    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Returns a quantile of the latencies, in milliseconds.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }

    /// Returns the longest latency, in milliseconds.
    pub(super) fn max(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_of_different_magnitude_are_recorded_exactly() -> Result<()> {
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
        assert!((first.max() - 20_000.0).abs() < 20.0);
        Ok(())
    }
}
