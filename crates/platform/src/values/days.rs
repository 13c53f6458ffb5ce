//! Days, where the zone that they are meant in is not known: today is one of at most three.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::values::field_error::FieldError;

/// How far the first zone of a day is ahead of UTC.
const FIRST_ZONE: TimeDelta = TimeDelta::hours(14);
/// How far the last zone of a day is behind UTC.
const LAST_ZONE: TimeDelta = TimeDelta::hours(12);

/// The days that it is today somewhere: the earliest and the latest.
pub fn today_anywhere() -> (NaiveDate, NaiveDate) {
    let now = Utc::now();
    (
        (now - LAST_ZONE).date_naive(),
        (now + FIRST_ZONE).date_naive(),
    )
}

/// What is wrong with a day of the values that has not begun anywhere in the world.
pub fn refuse_future(values: &Map<String, Value>, name: &str) -> Option<FieldError> {
    let day = values.get(name)?.as_str()?;
    begins_after(Utc::now(), day).then(|| {
        FieldError::new(
            format!("/{name}"),
            "in_the_future",
            "Must not be in the future.",
        )
    })
}

fn begins_after(now: DateTime<Utc>, day: &str) -> bool {
    day.parse::<NaiveDate>()
        .is_ok_and(|day| day > (now + FIRST_ZONE).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_what_it_is_in_the_first_zone() {
        let now = "2026-03-01T09:59:00Z".parse().unwrap_or_default();
        assert!(!begins_after(now, "2026-03-01"));
        assert!(begins_after(now, "2026-03-02"));
        let now = "2026-03-01T10:00:00Z".parse().unwrap_or_default();
        assert!(!begins_after(now, "2026-03-02"));
        assert!(begins_after(now, "2026-03-03"));
    }
}
