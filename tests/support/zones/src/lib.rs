//! Describes time zones of the crate `chrono-tz` for tests without a database, in the format that the database returns.
//! The product's time zones come from the database alone and are read in `platform::values::zones`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};
use serde_json::json;

/// The end of the changes that are described, in seconds since 1970: the year 2100.
const END: i64 = 4_102_444_800;
/// The interval in seconds at which changes are searched: no zone changes twice within a week.
const WEEK: i64 = 604_800;

static REGISTERED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Registers a zone once with the function that reads descriptions, if the crate `chrono-tz` has the zone.
///
/// # Panics
///
/// When an earlier call panicked.
pub fn remember(name: &str, register: impl FnOnce(&str)) {
    let Ok(zone) = name.parse::<Tz>() else {
        return;
    };
    // The lock is held to the end, so that no other test uses a zone before it is registered.
    let mut registered = REGISTERED.lock().unwrap();
    if registered.insert(name.to_owned()) {
        register(&describe(zone, name));
    }
}

/// Describes a zone under a name, with its changes from 1970 on.
#[must_use]
pub fn describe(zone: Tz, name: &str) -> String {
    let at = |seconds: i64| {
        let time = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        zone.offset_from_utc_datetime(&time)
    };
    let offset = |seconds: i64| at(seconds).fix().local_minus_utc();
    let abbreviation = |seconds: i64| at(seconds).abbreviation().unwrap_or_default().to_owned();
    let mut changes = Vec::new();
    let mut low = 0;
    while low < END {
        let high = low + WEEK;
        if offset(low) != offset(high) {
            let (mut before, mut after) = (low, high);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset(middle) == offset(low) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            changes.push(json!([after, offset(after), abbreviation(after)]));
        }
        low = high;
    }
    json!([{
        "name": name,
        "offset": offset(0),
        "abbreviation": abbreviation(0),
        "changes": changes,
    }])
    .to_string()
}
