//! The time up to which lessons are planned, and the ends of lessons during which the clocks change.
//! Rejected schedules live in `refused`.

use super::*;

/// The lessons of one night, as start and end.
fn nights(start: &str, end: &str, rule: &str) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    Schedule::parse(&value("Europe/London", start, end, rule, &[]))
        .unwrap()
        .plan(utc("2026-01-01T00:00:00Z"))
        .unwrap()
        .spans
        .iter()
        .map(|span| (span.start, span.end))
        .collect()
}

#[test]
fn a_lesson_over_a_change_of_clocks_ends_at_its_local_end() {
    assert_eq!(
        nights(
            "2026-03-27T22:00:00",
            "2026-03-28T06:00:00",
            "FREQ=DAILY;COUNT=3"
        ),
        [
            (utc("2026-03-27T22:00:00Z"), utc("2026-03-28T06:00:00Z")),
            (utc("2026-03-28T22:00:00Z"), utc("2026-03-29T05:00:00Z")),
            (utc("2026-03-29T21:00:00Z"), utc("2026-03-30T05:00:00Z")),
        ]
    );
    assert_eq!(
        nights(
            "2026-10-23T22:00:00",
            "2026-10-24T06:00:00",
            "FREQ=DAILY;COUNT=2"
        ),
        [
            (utc("2026-10-23T21:00:00Z"), utc("2026-10-24T05:00:00Z")),
            (utc("2026-10-24T21:00:00Z"), utc("2026-10-25T06:00:00Z")),
        ]
    );
}

#[test]
fn a_lesson_whose_start_is_skipped_keeps_its_end_and_where_that_is_skipped_too_its_length() {
    // On 29 March the clocks go from 01:00 to 02:00: 01:15 is 01:15 in UTC, which is 02:15 in local time.
    for (end, ended) in [
        ("2026-03-28T03:30:00", "2026-03-29T02:30:00Z"),
        ("2026-03-28T02:30:00", "2026-03-29T01:30:00Z"),
        ("2026-03-28T02:15:00", "2026-03-29T02:15:00Z"),
        ("2026-03-28T02:00:00", "2026-03-29T02:00:00Z"),
        ("2026-03-28T01:45:00", "2026-03-29T01:45:00Z"),
    ] {
        let found = nights("2026-03-28T01:15:00", end, "FREQ=DAILY;COUNT=2");
        assert_eq!(found[1], (utc("2026-03-29T01:15:00Z"), utc(ended)), "{end}");
    }
}

#[test]
fn a_stored_schedule_continues_where_it_was_planned() {
    let now = utc("2026-03-02T00:00:00Z");
    let stored = |rule: &str| {
        Schedule::read(&value(
            "UTC",
            "2026-03-02T16:00:00",
            "2026-03-02T17:00:00",
            rule,
            &[],
        ))
        .unwrap()
    };
    let planned = utc("2026-08-31T16:00:00Z");
    let starts = |plan: &PlannedLessons| (plan.spans.len(), plan.spans[0].start, plan.until);

    let open = stored("FREQ=WEEKLY").continuation(planned, now).unwrap();
    assert_eq!(starts(&open), (27, planned, Some(now + HORIZON)));
    let again = stored("FREQ=WEEKLY").continuation(now + HORIZON, now);
    assert_eq!(again, None);

    let ended = stored("FREQ=WEEKLY;COUNT=200")
        .continuation(planned, now)
        .unwrap();
    assert_eq!(starts(&ended), (174, planned, None));

    // Longer than a new class may be: five years of it, and then up to the horizon like one without an end.
    let long = stored("FREQ=WEEKLY;COUNT=1000");
    let five_years = long.continuation(planned, now).unwrap();
    let limit = utc("2031-03-02T16:00:00Z");
    assert_eq!(starts(&five_years), (235, planned, Some(limit)));
    assert_eq!(long.continuation(limit, now), None);
    let later = long.continuation(limit, limit).unwrap();
    assert_eq!(later.until, Some(limit + HORIZON));

    let many = stored("FREQ=DAILY;COUNT=10000")
        .continuation(planned, utc("2040-01-01T00:00:00Z"))
        .unwrap();
    assert_eq!(many.spans.len(), MAX_LESSONS);
    assert_eq!(many.until, Some(planned + TimeDelta::days(2000)));
}

#[test]
fn a_stored_schedule_may_begin_in_an_hour_that_is_skipped() {
    let skipped = value(
        "Europe/London",
        "2026-03-29T01:30:00",
        "2026-03-29T02:30:00",
        "FREQ=WEEKLY;COUNT=2",
        &[],
    );
    assert!(Schedule::parse(&skipped).is_err());
    assert!(Schedule::read(&skipped).is_ok());
}
