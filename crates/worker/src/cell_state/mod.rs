//! Measuring the state of a cell, for the metrics that need the database.
//! The statements are in `measurement`, and the instruments in `gauges`.

mod gauges;
mod measurement;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use crate::metrics::JobMetrics;
use crate::periodic::run_periodically;
use measurement::Measurement;

/// The time limit of one measurement. A database that takes longer counts as down.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The age from which a measurement is no longer shown, because nobody should take it for the present state.
const MAX_AGE: Duration = Duration::from_secs(120);

/// Measures for ever.
pub(crate) async fn run(database_url: &str, interval: Duration) {
    let latest = Latest::default();
    gauges::observe(&latest);
    let metrics = JobMetrics::new("measurement");
    run_periodically(&metrics, interval, || {
        metrics.measure(measure(database_url, &latest))
    })
    .await;
}

async fn measure(database_url: &str, latest: &Latest) -> Result<()> {
    let taking = measurement::take(database_url, latest.archived_until());
    let result = tokio::time::timeout(TIMEOUT, taking)
        .await
        .context("the database did not answer in time")
        .flatten();
    latest.store(result, Instant::now())
}

/// The latest measurement, which the job and the gauges share.
#[derive(Clone, Default)]
struct Latest(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The last successful measurement, and its time.
    last: Option<(Measurement, Instant)>,
    /// True when the last attempt succeeded. None before the first one has ended.
    is_database_up: Option<bool>,
}

impl Latest {
    /// Stores the result of an attempt. A failure keeps the measurement before it until that is too old.
    fn store(&self, result: Result<Measurement>, now: Instant) -> Result<()> {
        let mut state = self.lock();
        state.is_database_up = Some(result.is_ok());
        state.last = Some((result?, now));
        Ok(())
    }

    /// Calls a function with the last measurement, unless it is too old at the given time.
    fn with<T>(&self, now: Instant, read: impl FnOnce(&Measurement) -> T) -> Option<T> {
        let state = self.lock();
        let (measurement, taken_at) = state.last.as_ref()?;
        (now.saturating_duration_since(*taken_at) <= MAX_AGE).then(|| read(measurement))
    }

    fn is_database_up(&self) -> Option<bool> {
        self.lock().is_database_up
    }

    /// The last time at which no finished segment waited for archiving.
    fn archived_until(&self) -> Option<DateTime<Utc>> {
        let state = self.lock();
        state.last.as_ref()?.0.archived_until
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_measurement_is_shown_until_it_is_too_old() {
        let latest = Latest::default();
        let now = Instant::now();
        assert!(latest.is_database_up().is_none());
        assert!(latest.with(now, |_| ()).is_none());
        latest.store(Ok(Measurement::default()), now).unwrap();
        assert_eq!(latest.is_database_up(), Some(true));
        let failed = (|| bail!("the database is away"))();
        assert!(latest.store(failed, now + MAX_AGE).is_err());
        assert_eq!(latest.is_database_up(), Some(false));
        assert!(latest.with(now + MAX_AGE, |_| ()).is_some());
        let later = now + MAX_AGE + Duration::from_secs(1);
        assert!(latest.with(later, |_| ()).is_none());
    }
}
