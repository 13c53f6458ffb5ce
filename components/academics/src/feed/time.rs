//! Formats times for iCalendar (RFC 5545, section 3.3.5). Time zones are described in `zone`.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Formats a local time, or a time in UTC without its `Z`.
pub(super) fn format_local(local: NaiveDateTime) -> String {
    local.format("%Y%m%dT%H%M%S").to_string()
}

/// Formats a time in UTC.
pub(super) fn format_utc(time: DateTime<Utc>) -> String {
    format_local(time.naive_utc()) + "Z"
}
