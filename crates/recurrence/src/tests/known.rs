//! Rules whose days were worked out by hand or come from RFC 5545, in cases that other implementations get wrong.
//! Schedules compared with a count of days live in `counted`.

use super::*;

/// The days of the lessons, the first ones of a series without an end.
fn days(start: &str, rule: &str, count: usize) -> Vec<String> {
    let start = format!("{start}T16:00:00");
    let end = start.replace("T16", "T17");
    let schedule = Schedule::parse(&value("UTC", &start, &end, rule, &[])).unwrap();
    assert!(schedule.plan(utc("2026-01-01T00:00:00Z")).is_ok(), "{rule}");
    schedule
        .starts()
        .take(count)
        .map(|start| start.date().to_string())
        .collect()
}

#[test]
fn a_week_of_the_year_without_a_day_is_one_lesson_on_the_starts_weekday() {
    assert_eq!(
        days("2013-01-08", "FREQ=YEARLY;BYWEEKNO=1,2", 7),
        [
            "2013-01-08",
            "2013-12-31",
            "2014-01-07",
            "2014-12-30",
            "2015-01-06",
            "2016-01-05",
            "2016-01-12"
        ]
    );
    assert_eq!(
        days("2013-12-24", "FREQ=YEARLY;BYWEEKNO=-1,-2", 5),
        [
            "2013-12-24",
            "2014-12-16",
            "2014-12-23",
            "2015-12-22",
            "2015-12-29"
        ]
    );
}

#[test]
fn a_week_lies_in_two_years_and_belongs_to_one() {
    // Week 53 of 2026 goes on up to Sunday, 3 January 2027.
    assert_eq!(
        days("2026-12-28", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,TH,FR,SU", 6),
        [
            "2026-12-28",
            "2026-12-31",
            "2027-01-01",
            "2027-01-03",
            "2032-12-27",
            "2032-12-30"
        ]
    );
    assert_eq!(
        days("2027-01-03", "FREQ=YEARLY;BYWEEKNO=53", 2),
        ["2027-01-03", "2033-01-02"]
    );
    // The first day of week 1 of 2026 and of 2027 is in December or January, and every other year is that of the weeks.
    assert_eq!(
        days(
            "2025-12-29",
            "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO,TH",
            4
        ),
        ["2025-12-29", "2026-01-01", "2028-01-03", "2028-01-06"]
    );
}

#[test]
fn weeks_begin_where_the_rule_says() {
    for (week_start, expected) in [
        ("MO", ["2013-01-07", "2013-12-30", "2014-01-06"]),
        ("TU", ["2013-01-07", "2013-01-14", "2014-01-06"]),
        ("SU", ["2013-01-07", "2013-12-30", "2014-01-06"]),
    ] {
        let rule = format!("FREQ=YEARLY;BYWEEKNO=1,2;WKST={week_start}");
        assert_eq!(days("2013-01-07", &rule, 3), expected, "{week_start}");
    }
}

#[test]
fn positions_are_counted_in_the_whole_week_that_the_start_lies_in() {
    assert_eq!(
        days(
            "2024-01-02",
            "FREQ=WEEKLY;BYDAY=MO,TU,SU,SA,TH;BYSETPOS=3,2",
            4
        ),
        ["2024-01-02", "2024-01-04", "2024-01-09", "2024-01-11"]
    );
    assert_eq!(
        days(
            "2024-10-23",
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,3",
            3
        ),
        ["2024-10-23", "2024-10-28", "2024-10-30"]
    );
    assert_eq!(
        days(
            "2024-10-26",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;BYSETPOS=-1;WKST=SU",
            3
        ),
        ["2024-10-26", "2024-11-09", "2024-11-23"]
    );
}

#[test]
fn days_that_a_month_or_a_year_has_not_are_left_out() {
    assert_eq!(
        days("2026-01-31", "FREQ=MONTHLY", 4),
        ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    );
    assert_eq!(
        days("2024-02-29", "FREQ=YEARLY", 2),
        ["2024-02-29", "2028-02-29"]
    );
    assert_eq!(
        days("2024-12-31", "FREQ=YEARLY;BYYEARDAY=366", 2),
        ["2024-12-31", "2028-12-31"]
    );
}

#[test]
fn a_numbered_day_and_one_without_a_number_are_each_taken() {
    assert_eq!(
        days("2026-10-01", "FREQ=MONTHLY;BYDAY=1FR,TH", 7),
        [
            "2026-10-01",
            "2026-10-02",
            "2026-10-08",
            "2026-10-15",
            "2026-10-22",
            "2026-10-29",
            "2026-11-05"
        ]
    );
}
