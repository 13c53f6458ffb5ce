//! Local times of a zone, and the instants that they denote.
//! The zones themselves are cached in `platform::values::zones`.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use platform::values::zones::Zone;

/// The instants that a local time denotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalInstants {
    /// The local time occurs once.
    Unique(DateTime<Utc>),
    /// The local time does not occur, because the clocks skip it. The instant is the one by the offset before the change.
    Skipped(DateTime<Utc>),
    /// The local time occurs twice, because the clocks go back: the first and the second instant.
    Ambiguous(DateTime<Utc>, DateTime<Utc>),
}

/// The step by which the last time before a gap is looked for.
const STEP: TimeDelta = TimeDelta::minutes(15);

/// The largest number of steps. The widest gap ever was a whole day.
const MAX_STEPS: i32 = 110;

/// The zone with an IANA name, if it has been read from the database.
pub fn zone(name: &str) -> Option<Zone> {
    #[cfg(test)]
    test_zones::remember(name, platform::values::zones::remember);
    platform::values::zones::find(name)
}

/// The instants that a local time denotes in a zone.
pub fn instants(zone: Zone, time: NaiveDateTime) -> LocalInstants {
    match zone.from_local_datetime(&time) {
        LocalResult::Single(one) => LocalInstants::Unique(one.to_utc()),
        LocalResult::Ambiguous(one, other) => {
            LocalInstants::Ambiguous(one.min(other).to_utc(), one.max(other).to_utc())
        }
        LocalResult::None => {
            let before = (1..=MAX_STEPS)
                .find_map(|steps| zone.from_local_datetime(&(time - STEP * steps)).latest());
            let offset = before.map_or(TimeDelta::zero(), |before| {
                TimeDelta::seconds(i64::from(before.offset().fix().local_minus_utc()))
            });
            LocalInstants::Skipped((time - offset).and_utc())
        }
    }
}

/// The instant of a local time by RFC 5545 (section 3.3.5): the first of two, and in a gap the one by the offset before it.
pub fn instant(zone: Zone, time: NaiveDateTime) -> DateTime<Utc> {
    match instants(zone, time) {
        LocalInstants::Unique(instant)
        | LocalInstants::Skipped(instant)
        | LocalInstants::Ambiguous(instant, _) => instant,
    }
}
