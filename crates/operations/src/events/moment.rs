//! Times of the log, as PostgreSQL keeps them: every value that a damaged log can hold is one, so none stops the checker.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use tokio_postgres::types::{FromSql, Type, accepts};

/// Microseconds between the beginnings of Unix time and of PostgreSQL's.
const EPOCH: i64 = 946_684_800_000_000;

/// Microseconds since 2000-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) fn unix_microseconds(self) -> i64 {
        self.0.saturating_add(EPOCH)
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros().saturating_sub(EPOCH))
    }
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

/// RFC 3339 in UTC with microseconds and `Z`, as `lms.utc` writes it.
impl Display for Moment {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_micros(self.unix_microseconds()) {
            Some(time) => write!(formatter, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ")),
            None => formatter.write_str("a time out of range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_six_digits() {
        assert_eq!(Moment(0).to_string(), "2000-01-01T00:00:00.000000Z");
        assert_eq!(Moment(-1).to_string(), "1999-12-31T23:59:59.999999Z");
        let time: DateTime<Utc> = "2026-11-24T17:30:00.5Z".parse().unwrap();
        assert_eq!(
            Moment::from(time).to_string(),
            "2026-11-24T17:30:00.500000Z"
        );
        assert_eq!(Moment(i64::MAX).to_string(), "a time out of range");
    }
}
