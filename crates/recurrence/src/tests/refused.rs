//! Schedules that are rejected, with the code of each error.
//! Valid schedules live in the files beside this one.

use super::*;

/// The pointer and code of every error.
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
fn lessons_must_not_be_too_many_or_go_on_for_too_long() {
    let at_four = |start: &str, rule: &str| {
        refused(&value(
            "UTC",
            start,
            &start.replace("T16", "T17"),
            rule,
            &[],
        ))
    };
    for (start, rule, code) in [
        ("2020-01-01T16:00:00", "FREQ=DAILY", "too_many"),
        (
            "2026-03-02T16:00:00",
            "FREQ=WEEKLY;UNTIL=20310303T160000Z",
            "too_long",
        ),
        ("2026-03-02T16:00:00", "FREQ=WEEKLY;COUNT=262", "too_long"),
        ("2026-03-02T16:00:00", "FREQ=DAILY;COUNT=10000", "too_long"),
        (
            "2026-03-02T16:00:00",
            "FREQ=YEARLY;UNTIL=99991231T160000Z",
            "too_long",
        ),
    ] {
        assert_eq!(
            at_four(start, rule),
            [("recurring/rule".to_owned(), code)],
            "{rule}"
        );
    }
}
