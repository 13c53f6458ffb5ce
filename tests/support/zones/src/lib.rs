//! Zones for tests that have no database: those of the crate `chrono-tz`, told as the database tells of its own.
//! The zones of the product come from the database alone; reading them lives in `platform::values::zones`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};
use serde_json::json;

static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Has a zone known to `platform::values::zones`, unless the crate `chrono-tz` does not know it either.
///
/// # Panics
///
/// When an earlier call panicked.
pub fn remember(name: &str) {
    let Ok(zone) = name.parse::<Tz>() else {
        return;
    };
    // Held to the end, so that nobody takes a zone for told that is being told of.
    let mut told = TOLD.lock().unwrap();
    if !told.insert(name.to_owned()) {
        return;
    }
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
    let offset = |seconds: i64| {
        let found = zone.offset_from_utc_datetime(&at(seconds));
        found.fix().local_minus_utc()
    };
    let called = |seconds: i64| {
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
            changes.push(json!([after, offset(after), called(after)]));
        }
        low = high;
    }
    let zones = json!([{
        "name": name,
        "offset": offset(0),
        "abbreviation": called(0),
        "changes": changes,
    }]);
    platform::values::zones::remember(&zones.to_string());
}
