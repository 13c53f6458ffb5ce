//! Examples of schedules in time zones whose clocks change.
//! Tests by subject live in the files beside this one.

mod counted;
mod known;
mod planned;
mod refused;

use serde_json::json;

use super::*;

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, LOCAL_FORMAT).unwrap()
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

/// The plan of lessons of one hour, up to the horizon.
fn plan(zone: &str, start: &str, rule: &str, except: &[&str]) -> PlannedLessons {
    let end = (time(start) + TimeDelta::hours(1))
        .format(LOCAL_FORMAT)
        .to_string();
    Schedule::parse(&value(zone, start, &end, rule, except))
        .unwrap()
        .plan(utc("2026-01-01T00:00:00Z"))
        .unwrap()
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
        PlannedLessons {
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
    assert_eq!(plan.spans.len(), 53);
    assert_eq!(plan.until, Some(utc("2027-03-08T16:00:00Z")));
}

#[test]
fn a_series_with_an_end_is_worked_out_however_far_it_goes() {
    let plan = plan(
        "Europe/London",
        "2026-03-02T16:00:00",
        "FREQ=WEEKLY;COUNT=26",
        &[],
    );
    assert_eq!((plan.spans.len(), plan.until), (26, None));
    let five_years = self::plan(
        "Europe/London",
        "2026-03-02T16:00:00",
        "FREQ=WEEKLY;UNTIL=20310301T160000Z",
        &[],
    );
    assert_eq!((five_years.spans.len(), five_years.until), (261, None));
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
        instants(zone("Pacific/Apia").unwrap(), time("2011-12-30T12:00:00")),
        LocalInstants::Skipped(utc("2011-12-30T22:00:00Z"))
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
    let starts: Vec<_> = found.map(|span| span.start).collect();
    assert_eq!(
        starts,
        [utc("2026-03-09T16:00:00Z"), utc("2026-03-23T16:00:00Z")]
    );
    assert_eq!(
        (schedule.zone(), schedule.start(), schedule.end()),
        (
            zone("Europe/London").unwrap(),
            time("2026-03-02T16:00:00"),
            time("2026-03-02T17:00:00")
        )
    );
}
