//! Registers time zones of the crate `chrono-tz` for tests without a database, in the format that the database returns.
//! The product's time zones come from the database alone and are read in `platform::values::zones`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};
use serde_json::json;

static REGISTERED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Registers a zone with `platform::values::zones`, if the crate `chrono-tz` has it.
///
/// # Panics
///
/// When an earlier call panicked.
pub fn remember(name: &str) {
    let Ok(zone) = name.parse::<Tz>() else {
        return;
    };
    // The lock is held to the end, so that no other test uses a zone before it is registered.
    let mut registered = REGISTERED.lock().unwrap();
    if !registered.insert(name.to_owned()) {
        return;
    }
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
    let offset = |seconds: i64| {
        let found = zone.offset_from_utc_datetime(&at(seconds));
        found.fix().local_minus_utc()
    };
    let abbreviation = |seconds: i64| {
        let found = zone.offset_from_utc_datetime(&at(seconds));
        found.abbreviation().unwrap_or_default().to_owned()
    };
    let mut changes = Vec::new();
    let mut low = 0;
    while low < 4_102_444_800 {
        let high = low + 604_800;
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
    let zones = json!([{
        "name": name,
        "offset": offset(0),
        "abbreviation": abbreviation(0),
        "changes": changes,
    }]);
    platform::values::zones::remember(&zones.to_string());
}
