//! What schedules come to, by example and compared with a count of days.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const ZONES: [Tz; 3] = [
    Tz::Europe__London,
    Tz::Australia__Sydney,
    Tz::America__New_York,
];

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, FORM).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn value(zone: &str, start: &str, end: &str, rule: &str, except: &[&str]) -> Value {
    let mut value = json!({"start": start, "end": end, "time_zone": zone});
    if !rule.is_empty() {
        value["recurring"] = json!({"rule": rule, "except": except});
    }
    value
}

/// The lessons of an hour each, up to the horizon.
fn plan(zone: &str, start: &str, rule: &str, except: &[&str]) -> Plan {
    let end = (time(start) + TimeDelta::hours(1)).format(FORM).to_string();
    Schedule::parse(&value(zone, start, &end, rule, except))
        .unwrap()
        .plan(utc("2026-01-01T00:00:00Z"))
        .unwrap()
}

/// Pointer and code of everything that is wrong.
fn refused(value: &Value) -> Vec<(String, &'static str)> {
    let errors = match Schedule::parse(value) {
        Ok(schedule) => schedule.plan(utc("2026-01-01T00:00:00Z")).unwrap_err(),
        Err(errors) => errors,
    };
    errors
        .into_iter()
        .map(|error| {
            let pointer = error.pointer.strip_prefix("/schedule/").unwrap();
            (pointer.to_owned(), error.code)
        })
        .collect()
}

fn refused_rule(rule: &str) -> Vec<(String, &'static str)> {
    refused(&value(
        "Europe/London",
        "2026-03-02T16:00:00",
        "2026-03-02T17:00:00",
        rule,
        &[],
    ))
}

#[test]
fn four_o_clock_stays_four_o_clock_when_the_clocks_change() {
    for (zone, start, before, after) in [
        (
            "Europe/London",
            "2026-03-23T16:00:00",
            "2026-03-23T16:00:00Z",
            "2026-03-30T15:00:00Z",
        ),
        (
            "Europe/London",
            "2026-10-19T16:00:00",
            "2026-10-19T15:00:00Z",
            "2026-10-26T16:00:00Z",
        ),
        (
            "Australia/Sydney",
            "2026-03-30T16:00:00",
            "2026-03-30T05:00:00Z",
            "2026-04-06T06:00:00Z",
        ),
        (
            "Australia/Sydney",
            "2026-09-28T16:00:00",
            "2026-09-28T06:00:00Z",
            "2026-10-05T05:00:00Z",
        ),
        (
            "America/New_York",
            "2026-03-02T16:00:00",
            "2026-03-02T21:00:00Z",
            "2026-03-09T20:00:00Z",
        ),
        (
            "America/New_York",
            "2026-10-26T16:00:00",
            "2026-10-26T20:00:00Z",
            "2026-11-02T21:00:00Z",
        ),
    ] {
        let plan = plan(zone, start, "FREQ=WEEKLY;COUNT=2", &[]);
        let starts: Vec<_> = plan.spans.iter().map(|span| span.start).collect();
        assert_eq!(starts, [utc(before), utc(after)], "{zone}");
        assert!(
            plan.spans
                .iter()
                .all(|span| span.end - span.start == TimeDelta::hours(1))
        );
    }
}

#[test]
fn a_single_lesson_is_a_series_of_one() {
    let plan = plan("Europe/London", "2026-07-01T09:30:00", "", &[]);
    assert_eq!(
        plan,
        Plan {
            spans: vec![Span {
                start: utc("2026-07-01T08:30:00Z"),
                end: utc("2026-07-01T09:30:00Z"),
            }],
            until: None,
        }
    );
}

#[test]
fn a_series_without_end_goes_up_to_the_horizon() {
    let plan = plan(
        "Europe/London",
        "2026-03-02T16:00:00",
        "FREQ=WEEKLY;BYDAY=MO",
        &[],
    );
    // Half a year of weeks, and one more that summer time brings before the horizon.
    assert_eq!(plan.spans.len(), 27);
    assert_eq!(plan.until, Some(utc("2026-08-31T16:00:00Z")));
}

#[test]
fn a_series_with_an_end_before_the_horizon_is_worked_out() {
    let plan = plan(
        "Europe/London",
        "2026-03-02T16:00:00",
        "FREQ=WEEKLY;COUNT=26",
        &[],
    );
    assert_eq!((plan.spans.len(), plan.until), (26, None));
}

#[test]
fn until_is_the_last_moment_and_counts_by_the_clock_of_the_zone() {
    for (until, count) in [
        ("20260330T145959Z", 4),
        ("20260330T150000Z", 5),
        ("20260330T150001Z", 5),
    ] {
        let rule = format!("FREQ=WEEKLY;UNTIL={until}");
        let plan = plan("Europe/London", "2026-03-02T16:00:00", &rule, &[]);
        assert_eq!(plan.spans.len(), count, "{until}");
    }
}

#[test]
fn exceptions_are_left_out() {
    let plan = plan(
        "Europe/London",
        "2026-03-30T16:00:00",
        "FREQ=WEEKLY;COUNT=3",
        &["2026-04-06T16:00:00"],
    );
    let starts: Vec<_> = plan.spans.iter().map(|span| span.start).collect();
    assert_eq!(
        starts,
        [utc("2026-03-30T15:00:00Z"), utc("2026-04-13T15:00:00Z")]
    );
}

#[test]
fn an_occurrence_that_the_clocks_skip_or_double_is_where_rfc_5545_puts_it() {
    // Skipped on 29 March: 01:30 by the clock before the change is 01:30 in UTC.
    let spring = plan(
        "Europe/London",
        "2026-03-28T01:30:00",
        "FREQ=DAILY;COUNT=3",
        &[],
    );
    let starts: Vec<_> = spring.spans.iter().map(|span| span.start).collect();
    assert_eq!(
        starts,
        [
            utc("2026-03-28T01:30:00Z"),
            utc("2026-03-29T01:30:00Z"),
            utc("2026-03-30T00:30:00Z")
        ]
    );
    // Doubled on 25 October: the first of the two.
    let autumn = plan(
        "Europe/London",
        "2026-10-24T01:30:00",
        "FREQ=DAILY;COUNT=3",
        &[],
    );
    let starts: Vec<_> = autumn.spans.iter().map(|span| span.start).collect();
    assert_eq!(
        starts,
        [
            utc("2026-10-24T00:30:00Z"),
            utc("2026-10-25T00:30:00Z"),
            utc("2026-10-26T01:30:00Z")
        ]
    );
}

#[test]
fn a_day_that_never_was_is_skipped_like_an_hour() {
    assert_eq!(
        reading(Tz::Pacific__Apia, time("2011-12-30T12:00:00")),
        Reading::Skipped(utc("2011-12-30T22:00:00Z"))
    );
}

#[test]
fn bad_times_are_refused() {
    let hour = |zone: &str, start: &str, end: &str| refused(&value(zone, start, end, "", &[]));
    for (found, pointer, code) in [
        (
            hour(
                "Europe/London",
                "2026-03-02T17:00:00",
                "2026-03-02T16:00:00",
            ),
            "end",
            "not_after_start",
        ),
        (
            hour(
                "Europe/London",
                "2026-03-02T17:00:00",
                "2026-03-02T17:00:00",
            ),
            "end",
            "not_after_start",
        ),
        (
            hour(
                "Europe/London",
                "2026-03-02T17:00:00",
                "2026-03-03T17:00:01",
            ),
            "end",
            "too_long",
        ),
        (
            hour(
                "Europe/Londres",
                "2026-03-02T16:00:00",
                "2026-03-02T17:00:00",
            ),
            "time_zone",
            "unknown_time_zone",
        ),
        (
            hour(
                "Europe/London",
                "2026-03-29T01:00:00",
                "2026-03-29T02:30:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "Europe/London",
                "2026-03-29T00:30:00",
                "2026-03-29T01:30:00",
            ),
            "end",
            "clock_change",
        ),
        (
            hour(
                "Europe/London",
                "2026-10-25T01:59:59",
                "2026-10-25T03:00:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "Australia/Sydney",
                "2026-10-04T02:30:00",
                "2026-10-04T03:30:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "Australia/Sydney",
                "2026-04-05T02:30:00",
                "2026-04-05T03:30:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "America/New_York",
                "2026-03-08T02:30:00",
                "2026-03-08T03:30:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "America/New_York",
                "2026-11-01T01:30:00",
                "2026-11-01T03:30:00",
            ),
            "start",
            "clock_change",
        ),
        (
            hour(
                "Europe/London",
                "2026-02-30T16:00:00",
                "2026-03-02T17:00:00",
            ),
            "start",
            "invalid_local_time",
        ),
    ] {
        assert_eq!(found, [(pointer.to_owned(), code)]);
    }
}

#[test]
fn nonsense_in_a_rule_is_refused() {
    for rule in [
        "nonsense",
        "FREQ",
        "FREQ=",
        "FREQ=HOURLY",
        "FREQ=MINUTELY",
        "FREQ=SECONDLY",
        "FREQ=weekly",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=WEEKLY;;COUNT=2",
        "FREQ=WEEKLY;",
        "BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=MO,",
        "FREQ=WEEKLY;BYDAY=FOOMO",
        "FREQ=WEEKLY;BYDAY=MONDAY",
        "FREQ=WEEKLY;BYDAY=mo",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=ÄMO",
        "FREQ=WEEKLY;BYDAY=é",
        "FREQ=DAILY;BYDAY=2MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=99MO",
        "FREQ=MONTHLY;BYDAY=--1MO",
        "FREQ=WEEKLY;BYMONTHDAY=2",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=MONTHLY;BYYEARDAY=1",
        "FREQ=WEEKLY;BYWEEKNO=10",
        "FREQ=WEEKLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYHOUR=16",
        "FREQ=WEEKLY;BYMINUTE=0",
        "FREQ=WEEKLY;BYSECOND=0",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=-1",
        "FREQ=WEEKLY;INTERVAL=99999",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=x",
        "FREQ=WEEKLY;COUNT=2;UNTIL=20260330T150000Z",
        "FREQ=WEEKLY;UNTIL=20260330",
        "FREQ=WEEKLY;UNTIL=20260330T150000",
        "FREQ=WEEKLY;UNTIL=20261330T150000Z",
        "FREQ=WEEKLY;UNTIL=20260201T150000Z",
        "FREQ=WEEKLY;WKST=XX",
        "FREQ=WEEKLY;X-OWN=1",
        "RRULE:FREQ=WEEKLY",
        "FREQ=WEEKLY\nEXDATE:20260330T150000Z",
        " FREQ=WEEKLY",
    ] {
        assert_eq!(
            refused_rule(rule),
            [("recurring/rule".to_owned(), "invalid_rule")],
            "{rule}"
        );
    }
}

#[test]
fn a_rule_must_begin_with_the_start_and_leave_something() {
    assert_eq!(
        refused_rule("FREQ=WEEKLY;BYDAY=TU"),
        [("recurring/rule".to_owned(), "start_not_in_rule")]
    );
    assert_eq!(
        refused_rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        [("recurring/rule".to_owned(), "start_not_in_rule")]
    );
    assert_eq!(
        refused(&value(
            "Europe/London",
            "2026-03-02T16:00:00",
            "2026-03-02T17:00:00",
            "FREQ=WEEKLY;COUNT=1",
            &["2026-03-02T16:00:00"],
        )),
        [("recurring/except".to_owned(), "nothing_left")]
    );
    assert_eq!(
        refused(&value(
            "Europe/London",
            "2026-03-02T16:00:00",
            "2026-03-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
            &["2026-03-09T15:00:00", "2026-03-23T16:00:00"],
        )),
        [
            ("recurring/except".to_owned(), "not_in_rule"),
            ("recurring/except".to_owned(), "not_in_rule")
        ]
    );
}

#[test]
fn a_lesson_of_a_whole_day_does_not_overlap_with_the_next() {
    let schedule = Schedule::parse(&value(
        "Europe/London",
        "2026-03-20T01:30:00",
        "2026-03-21T01:30:00",
        "FREQ=DAILY;COUNT=300",
        &[],
    ))
    .unwrap();
    let plan = schedule.plan(utc("2026-12-01T00:00:00Z")).unwrap();
    assert_eq!(plan.spans.len(), 300);
    assert!(
        plan.spans
            .windows(2)
            .all(|pair| pair[0].end == pair[1].start)
    );
}

#[test]
fn lessons_must_not_be_too_many() {
    let daily = |start: &str| {
        refused(&value(
            "UTC",
            start,
            &start.replace("T16", "T17"),
            "FREQ=DAILY",
            &[],
        ))
    };
    assert_eq!(
        daily("2020-01-01T16:00:00"),
        [("recurring/rule".to_owned(), "too_many")]
    );
}

#[test]
fn occurrences_are_those_of_a_time() {
    let schedule = Schedule::parse(&value(
        "Europe/London",
        "2026-03-02T16:00:00",
        "2026-03-02T17:00:00",
        "FREQ=WEEKLY",
        &["2026-03-16T16:00:00"],
    ))
    .unwrap();
    let found = schedule.occurrences(utc("2026-03-09T16:00:00Z"), utc("2026-03-30T15:00:00Z"));
    let starts: Vec<_> = found.iter().map(|span| span.start).collect();
    assert_eq!(
        starts,
        [utc("2026-03-09T16:00:00Z"), utc("2026-03-23T16:00:00Z")]
    );
    assert_eq!(
        (schedule.zone(), schedule.start(), schedule.end()),
        (
            Tz::Europe__London,
            time("2026-03-02T16:00:00"),
            time("2026-03-02T17:00:00")
        )
    );
}

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

fn schedule(zone: Tz, start: NaiveDateTime, rule: &str) -> Option<Schedule> {
    let end = start + TimeDelta::hours(1);
    let text = |time: NaiveDateTime| time.format(FORM).to_string();
    Schedule::parse(&value(zone.name(), &text(start), &text(end), rule, &[])).ok()
}

/// The starts of the lessons that begin on days that pass, counted one by one.
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

/// Compares, but for lessons in a gap of the clocks, which a count of days does not find.
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

proptest! {
    #[test]
    fn the_first_instant_of_a_local_time_is_found((zone, local) in starts()) {
        match reading(zone, local) {
            Reading::Once(instant) => prop_assert_eq!(Some(instant), sought(zone, local)),
            Reading::Twice(first, second) => {
                prop_assert_eq!(Some(first), sought(zone, local));
                prop_assert!(first < second);
                prop_assert_eq!(second.with_timezone(&zone).naive_local(), local);
            }
            Reading::Skipped(instant) => {
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
        same(&schedule.occurrences(utc(EVER.0), utc(EVER.1)), &expected)?;
    }

    #[test]
    fn days_are_counted((zone, start) in starts(), interval in 1..40i64, count in 1..90usize) {
        let rule = format!("FREQ=DAILY;INTERVAL={interval};COUNT={count}");
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| (day - start.date()).num_days() % interval == 0);
        same(&schedule.occurrences(utc(EVER.0), utc(EVER.1)), &expected)?;
    }

    #[test]
    fn the_same_day_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        let rule = format!("FREQ=MONTHLY;COUNT={count}");
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| day.day() == start.date().day());
        same(&schedule.occurrences(utc(EVER.0), utc(EVER.1)), &expected)?;
    }

    #[test]
    fn the_nth_weekday_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        let nth = (start.date().day() - 1) / 7 + 1;
        let rule = format!("FREQ=MONTHLY;BYDAY={nth}{};COUNT={count}", name(start.weekday()));
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| {
            day.weekday() == start.weekday() && (day.day() - 1) / 7 + 1 == nth
        });
        same(&schedule.occurrences(utc(EVER.0), utc(EVER.1)), &expected)?;
    }

    #[test]
    fn the_last_weekday_of_months_is_counted((zone, start) in starts(), count in 1..40usize) {
        prop_assume!((start.date() + Days::new(7)).month() != start.date().month());
        let rule = format!("FREQ=MONTHLY;BYDAY=-1{};COUNT={count}", name(start.weekday()));
        let Some(schedule) = schedule(zone, start, &rule) else { return Ok(()); };
        let expected = counted(zone, start, count, |day| {
            day.weekday() == start.weekday() && (day + Days::new(7)).month() != day.month()
        });
        same(&schedule.occurrences(utc(EVER.0), utc(EVER.1)), &expected)?;
    }

    #[test]
    fn a_plan_is_in_order_and_never_overlaps(
        (zone, start) in starts(),
        rule in "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;INTERVAL=[1-3])?(;BYDAY=(MO|TU|WE,FR|SA,SU|-1MO|2TU))?(;BYMONTHDAY=(1|15|-1))?(;BYMONTH=(3|3,10))?(;COUNT=[1-9]0)?",
        hours in 1..24i64,
    ) {
        let text = |time: NaiveDateTime| time.format(FORM).to_string();
        let value = value(zone.name(), &text(start), &text(start + TimeDelta::hours(hours)), &rule, &[]);
        let Ok(schedule) = Schedule::parse(&value) else { return Ok(()); };
        let now = Utc.with_ymd_and_hms(2028, 5, 5, 0, 0, 0).unwrap();
        if let Ok(plan) = schedule.plan(now) {
            prop_assert!(plan.spans.len() <= MOST_OCCURRENCES);
            prop_assert!(plan.spans.iter().all(|span| span.start < span.end));
            prop_assert!(plan.spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let again = schedule.occurrences(plan.spans[0].start, plan.until.unwrap_or(utc(EVER.1)));
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
