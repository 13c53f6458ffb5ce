//! Times as a calendar writes them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// A local time, or a time in UTC without its `Z`.
pub(super) fn stamp(local: NaiveDateTime) -> String {
    local.format("%Y%m%dT%H%M%S").to_string()
}

/// A time in UTC.
pub(super) fn stamp_utc(time: DateTime<Utc>) -> String {
    stamp(time.naive_utc()) + "Z"
}
