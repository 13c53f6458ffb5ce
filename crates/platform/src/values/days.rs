//! Dates without a known time zone, for which today is one of up to three dates. Time zones are in
//! `zones`.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::values::field_error::FieldError;

/// The offset of the first time zone of a day, ahead of UTC.
const FIRST_ZONE_OFFSET: TimeDelta = TimeDelta::hours(14);
/// The offset of the last time zone of a day, behind UTC.
const LAST_ZONE_OFFSET: TimeDelta = TimeDelta::hours(12);

/// Returns the earliest and the latest date that is today somewhere.
pub fn today_anywhere() -> (NaiveDate, NaiveDate) {
    let now = Utc::now();
    (
        (now - LAST_ZONE_OFFSET).date_naive(),
        (now + FIRST_ZONE_OFFSET).date_naive(),
    )
}

/// Returns the error of a date that has not begun anywhere in the world.
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
        .is_ok_and(|day| day > (now + FIRST_ZONE_OFFSET).date_naive())
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
