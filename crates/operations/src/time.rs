//! Writing times for people.

use chrono::{DateTime, Utc};

/// Writes a time to the second, as options such as `--to-time` accept it (RFC 3339).
pub fn text(time: DateTime<Utc>) -> String {
    time.format("%FT%TZ").to_string()
}
