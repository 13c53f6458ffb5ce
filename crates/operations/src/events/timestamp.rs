//! Timestamps of the log in PostgreSQL's range, so that no value in a damaged log stops the verification.
//! Other times are `chrono::DateTime`.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use tokio_postgres::types::{FromSql, Type, accepts};

/// The microseconds between the epochs of Unix and of PostgreSQL.
const POSTGRESQL_EPOCH: i64 = 946_684_800_000_000;

/// Microseconds since 2000-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(i64);

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) fn unix_microseconds(self) -> i64 {
        self.0.saturating_add(POSTGRESQL_EPOCH)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros().saturating_sub(POSTGRESQL_EPOCH))
    }
}

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

/// Formats it by RFC 3339 in UTC with microseconds and `Z`, as `lms.utc` does.
impl Display for Timestamp {
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
    fn timestamps_have_six_decimal_places() {
        assert_eq!(Timestamp(0).to_string(), "2000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp(-1).to_string(), "1999-12-31T23:59:59.999999Z");
        let time: DateTime<Utc> = "2026-11-24T17:30:00.5Z".parse().unwrap();
        assert_eq!(
            Timestamp::from(time).to_string(),
            "2026-11-24T17:30:00.500000Z"
        );
        assert_eq!(Timestamp(i64::MAX).to_string(), "a time out of range");
    }
}
