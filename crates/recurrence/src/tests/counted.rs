//! Schedules compared with a count of days, one by one.
//! Schedules whose lessons were worked out by hand live in `known`.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

const ZONES: [Tz; 3] = [
    Tz::Europe__London,
    Tz::Australia__Sydney,
    Tz::America__New_York,
];

fn name(day: Weekday) -> &'static str {
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][day.num_days_from_monday() as usize]
}

prop_compose! {
    /// A zone, and a start at a full quarter of an hour of a day in years of which the zones' rules are known.
    fn starts()(
        zone in 0..ZONES.len(),
        day in 0..3000u64,
        quarter in 0..96u32,
    ) -> (Tz, NaiveDateTime) {
        let date = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + Days::new(day);
        let time = NaiveTime::from_hms_opt(quarter / 4, quarter % 4 * 15, 0).unwrap();
        (ZONES[zone], date.and_time(time))
    }
}

/// The instant of a local time, found by trying every quarter of an hour of UTC around it.
fn sought(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    (-96..=96)
        .map(|quarters| (local + TimeDelta::minutes(15) * quarters).and_utc())
        .find(|instant| instant.with_timezone(&zone).naive_local() == local)
}

fn ours(known: Tz) -> Zone {
    zone(known.name()).unwrap()
}

fn schedule(zone: Tz, start: NaiveDateTime, rule: &str) -> Option<Schedule> {
    let end = start + TimeDelta::hours(1);
    let text = |time: NaiveDateTime| time.format(LOCAL_FORMAT).to_string();
    Schedule::parse(&value(zone.name(), &text(start), &text(end), rule, &[])).ok()
}

/// The starts of the lessons on the days that a predicate allows, counted one by one.
fn counted(
    zone: Tz,
    start: NaiveDateTime,
    count: usize,
    passes: impl Fn(NaiveDate) -> bool,
) -> Vec<Option<DateTime<Utc>>> {
    (0..20_000)
        .map(|days| start.date() + Days::new(days))
        .filter(|day| passes(*day))
        .take(count)
        .map(|day| sought(zone, day.and_time(start.time())))
        .collect()
}

/// Compares all lessons but those in a gap of the clocks, which a count of days does not find.
fn same(found: &[Span], expected: &[Option<DateTime<Utc>>]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (span, expected) in found.iter().zip(expected) {
        if let Some(expected) = expected {
            prop_assert_eq!(span.start, *expected);
        }
    }
    Ok(())
}

const EVER: (&str, &str) = ("1999-01-01T00:00:00Z", "2199-01-01T00:00:00Z");

fn all(schedule: &Schedule) -> Vec<Span> {
    schedule.occurrences(utc(EVER.0), utc(EVER.1)).collect()
}

proptest! {
    #[test]
    fn the_first_instant_of_a_local_time_is_found((zone, local) in starts()) {
        match instants(ours(zone), local) {
            LocalInstants::Unique(instant) => prop_assert_eq!(Some(instant), sought(zone, local)),
            LocalInstants::Ambiguous(first, second) => {
                prop_assert_eq!(Some(first), sought(zone, local));
                prop_assert!(first < second);
                prop_assert_eq!(second.with_timezone(&zone).naive_local(), local);
            }
            LocalInstants::Skipped(instant) => {
                prop_assert_eq!(sought(zone, local), None);
                prop_assert!(instant.with_timezone(&zone).naive_local() > local);
            }
        }
    }

    #[test]
    fn weeks_are_counted_as_days_are(
        (zone, start) in starts(),
        days in prop::collection::btree_set(0..7u8, 1..7),
        interval in 1..5i64,
        count in 1..60usize,
    ) {
        let mut days: Vec<Weekday> = days.into_iter().map(|day| Weekday::try_from(day).unwrap()).collect();
        if !days.contains(&start.weekday()) {
            days.push(start.weekday());
        }
        let names: Vec<&str> = days.iter().map(|day| name(*day)).collect();
        let rule = format!("FREQ=WEEKLY;INTERVAL={interval};BYDAY={};COUNT={count}", names.join(","));
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let monday = |date: NaiveDate| date - Days::new(u64::from(date.weekday().num_days_from_monday()));
        let expected = counted(zone, start, count, |day| {
            days.contains(&day.weekday())
                && (monday(day) - monday(start.date())).num_weeks() % interval == 0
        });
        same(&all(&schedule), &expected)?;
    }

    #[test]
    fn days_are_counted((zone, start) in starts(), interval in 1..40i64, count in 1..90usize) {
        let rule = format!("FREQ=DAILY;INTERVAL={interval};COUNT={count}");
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| (day - start.date()).num_days() % interval == 0);
        same(&all(&schedule), &expected)?;
    }

    #[test]
    fn the_same_day_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        let rule = format!("FREQ=MONTHLY;COUNT={count}");
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| day.day() == start.date().day());
        same(&all(&schedule), &expected)?;
    }

    #[test]
    fn the_nth_weekday_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        let nth = (start.date().day() - 1) / 7 + 1;
        let rule = format!("FREQ=MONTHLY;BYDAY={nth}{};COUNT={count}", name(start.weekday()));
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| {
            day.weekday() == start.weekday() && (day.day() - 1) / 7 + 1 == nth
        });
        same(&all(&schedule), &expected)?;
    }

    #[test]
    fn the_last_weekday_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        prop_assume!((start.date() + Days::new(7)).month() != start.date().month());
        let rule = format!("FREQ=MONTHLY;BYDAY=-1{};COUNT={count}", name(start.weekday()));
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| {
            day.weekday() == start.weekday() && (day + Days::new(7)).month() != day.month()
        });
        same(&all(&schedule), &expected)?;
    }

    #[test]
    fn a_plan_is_in_order_and_never_overlaps(
        (zone, start) in starts(),
        rule in "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;INTERVAL=[1-3])?(;BYDAY=(MO|TU|WE,FR|SA,SU|-1MO|2TU))?(;BYMONTHDAY=(1|15|-1))?(;BYMONTH=(3|3,10))?(;COUNT=[1-9]0)?",
        hours in 1..24i64,
    ) {
        let text = |time: NaiveDateTime| time.format(LOCAL_FORMAT).to_string();
        let value = value(zone.name(), &text(start), &text(start + TimeDelta::hours(hours)), &rule, &[]);
        let Ok(schedule) = Schedule::parse(&value) else { return Ok(()); };
        let now = Utc.with_ymd_and_hms(2028, 5, 5, 0, 0, 0).unwrap();
        if let Ok(plan) = schedule.plan(now) {
            prop_assert!(plan.spans.len() <= MAX_LESSONS);
            prop_assert!(plan.spans.iter().all(|span| span.start < span.end));
            prop_assert!(plan.spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let again: Vec<Span> =
                schedule.occurrences(plan.spans[0].start, plan.until.unwrap_or(utc(EVER.1))).collect();
            prop_assert_eq!(again, plan.spans);
        }
    }

    #[test]
    fn no_text_is_too_odd_to_be_refused(rule in "\\PC{0,60}", parts in "(FREQ=(DAILY|MONTHLY)|;|BYDAY=|[-+0-9]{1,4}|MO|,|é|UNTIL=|2026[0-9]{4}T[0-9]{6}Z){1,12}") {
        for text in [rule, parts] {
            if let Some(schedule) = schedule(Tz::Europe__London, time("2026-03-02T16:00:00"), &text) {
                let _ = schedule.plan(utc("2026-01-01T00:00:00Z"));
            }
        }
    }
}
