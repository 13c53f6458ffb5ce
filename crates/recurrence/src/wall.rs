//! What the clock on the wall shows, and the instants that it means.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use platform::values::zones::Zone;

/// How often a local time comes, and the instants that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Once.
    Once(DateTime<Utc>),
    /// Never: the clocks go forward over it. The instant is what the clock before that would have called so.
    Skipped(DateTime<Utc>),
    /// Twice, for the clocks go back over it: the first and the second.
    Twice(DateTime<Utc>, DateTime<Utc>),
}

/// Steps and their number in looking for the last time before a gap; the widest gap was a whole day.
const STEP: TimeDelta = TimeDelta::minutes(15);
const STEPS: i32 = 110;

/// The zone of an IANA name, as far as the database's zones have been read: `platform::values::zones` has more on that.
pub fn zone(name: &str) -> Option<Zone> {
    #[cfg(test)]
    test_zones::remember(name);
    platform::values::zones::find(name)
}

/// What a local time means in a zone.
pub fn reading(zone: Zone, time: NaiveDateTime) -> Reading {
    match zone.from_local_datetime(&time) {
        LocalResult::Single(one) => Reading::Once(one.to_utc()),
        LocalResult::Ambiguous(one, other) => {
            Reading::Twice(one.min(other).to_utc(), one.max(other).to_utc())
        }
        LocalResult::None => {
            let before = (1..=STEPS)
                .find_map(|steps| zone.from_local_datetime(&(time - STEP * steps)).latest());
            let offset = before.map_or(TimeDelta::zero(), |before| {
                TimeDelta::seconds(i64::from(before.offset().fix().local_minus_utc()))
            });
            Reading::Skipped((time - offset).and_utc())
        }
    }
}

/// The instant of a local time, as RFC 5545 (section 3.3.5) has it: the first of two, and in a gap what the clock before it
/// would have called so.
pub fn instant(zone: Zone, time: NaiveDateTime) -> DateTime<Utc> {
    match reading(zone, time) {
        Reading::Once(instant) | Reading::Skipped(instant) | Reading::Twice(instant, _) => instant,
    }
}
