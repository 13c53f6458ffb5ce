//! Tests of the description of time zones. Whole calendars are tested in `calendar`.

use chrono::{Offset, TimeZone};
use chrono_tz::TZ_VARIANTS;

use super::*;

fn zone(name: &str) -> Zone {
    test_zones::remember(name, platform::values::zones::remember);
    recurrence::zone(name).unwrap()
}

fn seconds(zone: Zone, utc: NaiveDateTime) -> i32 {
    zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
}

fn described(name: &str, since: &str) -> String {
    let mut writer = IcsWriter::default();
    write(&mut writer, zone(name), since.parse().unwrap());
    writer.finish().replace("\r\n", "\n")
}

#[test]
fn a_zone_with_two_changes_a_year_is_two_rules() {
    assert_eq!(
        described("Europe/London", "2026-03-02T16:00:00"),
        "BEGIN:VTIMEZONE\nTZID:Europe/London\n\
         BEGIN:DAYLIGHT\nDTSTART:20250330T010000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\nTZNAME:BST\n\
         RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
         BEGIN:STANDARD\nDTSTART:20251026T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0000\nTZNAME:GMT\n\
         RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n"
    );
}

#[test]
fn a_zone_of_the_south_and_one_of_the_west_have_their_own_days() {
    let sydney = described("Australia/Sydney", "2026-03-02T16:00:00");
    assert!(sydney.contains("DTSTART:20250406T030000\nTZOFFSETFROM:+1100\nTZOFFSETTO:+1000"));
    assert!(sydney.contains("RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU"));
    assert!(sydney.contains("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU"));
    let new_york = described("America/New_York", "2026-03-02T16:00:00");
    assert!(new_york.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"));
    assert!(new_york.contains("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"));
}

#[test]
fn a_zone_that_never_changes_is_one_standard_time() {
    assert_eq!(
        described("Asia/Kolkata", "2026-03-02T16:00:00"),
        "BEGIN:VTIMEZONE\nTZID:Asia/Kolkata\n\
         BEGIN:STANDARD\nDTSTART:20250101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nTZNAME:IST\n\
         END:STANDARD\nEND:VTIMEZONE\n"
    );
}

#[test]
fn a_rule_that_has_begun_lately_does_not_reach_back() {
    // Until 2006 the clocks of New York changed in April and October.
    let text = described("America/New_York", "2004-03-02T16:00:00");
    assert!(text.contains("DTSTART:20070311T020000\n"), "{text}");
    assert!(text.contains("DTSTART:20030406T020000\n"), "{text}");
    assert!(text.contains("RDATE:20060402T020000\n"), "{text}");
}

/// Returns the offset that the observances give for an instant, found by going through all of their
/// times.
fn offset_by(observances: &[Observance], at: NaiveDateTime) -> Option<i32> {
    let mut latest: Option<(NaiveDateTime, i32)> = None;
    for observance in observances {
        let mut times = vec![observance.first];
        match &observance.recurrence {
            Recurrence::At(more) => times.extend(more),
            Recurrence::Yearly(month, weekday, days) => {
                for year in observance.first.year() + 1..=at.year() + 1 {
                    times.extend(
                        day_of(year, *month, *weekday, days)
                            .map(|day| day.and_time(observance.first.time())),
                    );
                }
            }
        }
        for time in times {
            let utc = time - Duration::seconds(observance.change.from.into());
            if utc <= at && latest.is_none_or(|(found, _)| found <= utc) {
                latest = Some((utc, observance.change.to));
            }
        }
    }
    latest.map(|(_, to)| to)
}

fn day_of(year: i32, month: u32, weekday: Weekday, days: &Days) -> Option<NaiveDate> {
    let mut fitting = (1..=31)
        .filter_map(|day| NaiveDate::from_ymd_opt(year, month, day))
        .filter(|day| day.weekday() == weekday);
    match days {
        Days::Nth(number) => fitting.nth(usize::try_from(*number).unwrap() - 1),
        Days::Last => fitting.next_back(),
        Days::Between(first, last) => fitting.find(|day| (first..=last).contains(&&day.day())),
    }
}

#[test]
fn every_zone_of_the_database_is_described_as_it_is() {
    for zone in TZ_VARIANTS.map(|known| zone(known.name())) {
        for since in ["2015-06-01T00:00:00", "2026-03-02T16:00:00"] {
            let since: NaiveDateTime = since.parse().unwrap();
            let observances = observances(zone, since);
            // Nine days do not divide a year, so over the years every day is tested.
            let mut at = since + Duration::days(1);
            while at.year() < 2044 {
                assert_eq!(
                    offset_by(&observances, at),
                    Some(seconds(zone, at)),
                    "{zone} at {at}: {observances:#?}"
                );
                at += Duration::days(9);
            }
        }
    }
}

#[test]
fn rules_go_on_where_they_are_rules() {
    for name in [
        "Europe/London",
        "America/New_York",
        "Australia/Sydney",
        "America/Santiago",
        "Asia/Jerusalem",
    ] {
        let zone = zone(name);
        let observances = observances(zone, "2026-03-02T16:00:00".parse().unwrap());
        let mut at: NaiveDateTime = "2057-01-01T00:00:00".parse().unwrap();
        while at.year() < 2090 {
            assert_eq!(
                offset_by(&observances, at),
                Some(seconds(zone, at)),
                "{zone} at {at}"
            );
            at += Duration::days(9);
        }
    }
}
