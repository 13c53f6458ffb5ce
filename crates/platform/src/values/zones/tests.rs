//! Tests of time zones against the crate `chrono-tz`. The database's own zones are tested over
//! HTTP.

use std::cell::RefCell;

use chrono::Duration;
use chrono_tz::TZ_VARIANTS;
use serde_json::json;

use super::*;
use crate::fixture::ready;

fn time(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

#[test]
fn every_zone_counts_as_its_changes_say() {
    for zone in TZ_VARIANTS {
        let name = format!("Of/{}", zone.name());
        remember(&test_zones::describe(zone, &name));
        let ours = find(&name).unwrap();
        let mut at = time("1971-01-01T00:30:00");
        while at < time("2090-01-01T00:00:00") {
            let instant = at.and_utc();
            assert_eq!(
                instant.with_timezone(&ours).naive_local(),
                instant.with_timezone(&zone).naive_local(),
                "{name} at {instant}"
            );
            at += Duration::hours(24 * 9 + 5);
        }
        // The test covers each change, in steps of a quarter of an hour of local time.
        for change in ours
            .changes()
            .filter(|change| change.at > time("2000-01-01T00:00:00"))
        {
            let shown = change.at + Duration::seconds(change.from.into());
            if shown > time("2040-01-01T00:00:00") {
                break;
            }
            for quarter in -12..=12 {
                let local = shown + Duration::minutes(15 * quarter);
                let instants =
                    |found: MappedLocalTime<DateTime<Utc>>| (found.earliest(), found.latest());
                assert_eq!(
                    instants(ours.from_local_datetime(&local).map(|found| found.to_utc())),
                    instants(zone.from_local_datetime(&local).map(|found| found.to_utc())),
                    "{name} at {local}"
                );
            }
        }
    }
}

#[test]
fn missing_zones_are_read_once_and_looked_up_again() {
    let read = RefCell::new(Vec::new());
    let told = async |names: Vec<String>| {
        read.borrow_mut().push(names);
        Ok::<_, ()>(
            json!([{"name": "Test/Here", "offset": 3600, "abbreviation": "X", "changes": []}])
                .to_string(),
        )
    };
    let work = || {
        (
            find("Test/Here"),
            find("Test/Nowhere"),
            find(&"x".repeat(65)),
        )
    };
    let (here, nowhere, long) = ready(resolved(told, work)).unwrap();
    assert_eq!(here.map(Zone::name), Some("Test/Here"));
    assert_eq!((nowhere, long), (None, None));
    assert_eq!(
        *read.borrow(),
        [["Test/Here".to_owned(), "Test/Nowhere".to_owned()]]
    );
    let (here, lacking) = attempt(|| find("Test/Here"));
    assert_eq!((here.map(Zone::name), lacking), (Some("Test/Here"), false));
}

#[test]
fn rules_that_have_changed_make_another_zone() {
    remember(r#"[{"name": "Test/Moved", "offset": 0, "abbreviation": "A", "changes": []}]"#);
    let before = find("Test/Moved").unwrap();
    remember(
        r#"[{"name": "Test/Moved", "offset": 0, "abbreviation": "A", "changes": [[86400, 3600, "B"]]}]"#,
    );
    let after = find("Test/Moved").unwrap();
    assert_ne!(before, after);
    assert_eq!(after.changes().count(), 1);
    // Zones with impossible offsets are not accepted.
    remember(r#"[{"name": "Test/Wide", "offset": 90000, "abbreviation": "A", "changes": []}]"#);
    remember("no JSON");
    assert_eq!(find("Test/Wide"), None);
}
