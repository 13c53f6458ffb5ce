//! Tests of rendered calendars. Time zones are tested in `zone`.

use serde_json::{Value, json};

use super::*;

fn series(changes: Value) -> Series {
    let mut given = json!({
        "id": "0190163d-8694-739b-aea5-966c26f8ad90",
        "sequence": 3,
        "changed_at": "2026-02-01T09:00:00Z",
        "schedule": {
            "start": "2026-03-02T16:00:00",
            "end": "2026-03-02T17:00:00",
            "time_zone": "Europe/London",
            "recurring": {"rule": "FREQ=WEEKLY;BYDAY=MO", "except": ["2026-04-06T16:00:00"]}
        },
        "goes_on": true,
        "last": "2026-08-31T15:00:00Z",
        "subject": "mathematics",
        "level": null,
        "centre": "Camden",
        "room": "1",
        "meeting_url": null,
        "children": [],
        "cancelled": [],
        "moved": [],
        "added": []
    });
    for (name, value) in changes.as_object().unwrap() {
        given[name] = value.clone();
    }
    let zone = given["schedule"]["time_zone"].as_str().unwrap();
    test_zones::remember(zone, platform::values::zones::remember);
    serde_json::from_value(given).unwrap()
}

/// Returns the calendar's events with their lines unfolded.
fn events(changes: Value) -> String {
    let text = render(&[series(changes)])
        .unwrap()
        .replace("\r\n ", "")
        .replace("\r\n", "\n");
    let begin = text.find("BEGIN:VEVENT").unwrap();
    text[begin..].replace("END:VCALENDAR\n", "")
}

const HEAD: &str = "UID:0190163d-8694-739b-aea5-966c26f8ad90\nDTSTAMP:20260201T090000Z\n\
                    LAST-MODIFIED:20260201T090000Z\nSEQUENCE:3\n";

#[test]
fn a_series_is_its_rule_with_exceptions() {
    assert_eq!(
        events(
            json!({"cancelled": ["2026-03-30T15:00:00Z"], "meeting_url": "https://meet.example/a"})
        ),
        format!(
            "BEGIN:VEVENT\n{HEAD}DTSTART;TZID=Europe/London:20260302T160000\n\
             DTEND;TZID=Europe/London:20260302T170000\nRRULE:FREQ=WEEKLY;BYDAY=MO\n\
             EXDATE;TZID=Europe/London:20260330T160000\nEXDATE;TZID=Europe/London:20260406T160000\n\
             SUMMARY:mathematics\nLOCATION:1\\, Camden\nURL:https://meet.example/a\nSTATUS:CONFIRMED\nEND:VEVENT\n"
        )
    );
}

#[test]
fn a_moved_occurrence_names_the_start_that_it_had() {
    let moved = json!([{
        "original_start": "2026-03-30T15:00:00Z",
        "starts_at": "2026-03-31T08:00:00Z",
        "ends_at": "2026-03-31T09:30:00Z",
        "room": null
    }]);
    let text = events(json!({"moved": moved}));
    let second = text.rfind("BEGIN:VEVENT").unwrap();
    assert_eq!(
        text[second..],
        format!(
            "BEGIN:VEVENT\n{HEAD}RECURRENCE-ID;TZID=Europe/London:20260330T160000\n\
             DTSTART;TZID=Europe/London:20260331T090000\nDTEND;TZID=Europe/London:20260331T103000\n\
             SUMMARY:mathematics\nLOCATION:Camden\nSTATUS:CONFIRMED\nEND:VEVENT\n"
        )
    );
}

#[test]
fn an_instant_that_local_time_does_not_tell_is_written_in_utc() {
    let moved = json!([{
        "original_start": "2026-10-26T16:00:00Z",
        "starts_at": "2026-10-25T01:30:00Z",
        "ends_at": "2026-10-25T02:30:00Z",
        "room": null
    }]);
    let text = events(json!({"moved": moved}));
    assert!(
        text.contains("DTSTART:20261025T013000Z\nDTEND:20261025T023000Z\n"),
        "{text}"
    );
}

#[test]
fn a_cancelled_start_that_the_clocks_skip_is_named_as_the_rule_names_it() {
    let schedule = json!({
        "start": "2026-03-22T01:30:00",
        "end": "2026-03-22T02:30:00",
        "time_zone": "Europe/London",
        "recurring": {"rule": "FREQ=WEEKLY"}
    });
    let text = events(json!({"schedule": schedule, "cancelled": ["2026-03-29T01:30:00Z"]}));
    assert!(
        text.contains("EXDATE;TZID=Europe/London:20260329T013000\n"),
        "{text}"
    );
}

#[test]
fn a_class_that_is_over_ends_with_what_took_place() {
    let text = events(json!({"goes_on": false, "last": "2026-03-16T16:00:00Z"}));
    assert!(
        text.contains("RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260316T160000Z\n"),
        "{text}"
    );
    assert!(text.contains("STATUS:CONFIRMED\n"), "{text}");
    let text = events(json!({"goes_on": false, "last": null}));
    assert!(text.contains("STATUS:CANCELLED\n"), "{text}");
}

#[test]
fn a_class_that_does_not_come_again_is_where_it_was_moved_to() {
    let schedule = json!({
        "start": "2026-03-02T16:00:00",
        "end": "2026-03-02T17:00:00",
        "time_zone": "Europe/London",
        "recurring": null
    });
    let moved = json!([{
        "original_start": "2026-03-02T16:00:00Z",
        "starts_at": "2026-04-02T16:00:00Z",
        "ends_at": "2026-04-02T17:00:00Z",
        "room": "2"
    }]);
    let text = events(json!({"schedule": schedule, "moved": moved}));
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
    assert!(
        text.contains("DTSTART;TZID=Europe/London:20260402T170000\n"),
        "{text}"
    );
    assert!(
        !text.contains("RECURRENCE-ID") && !text.contains("RRULE"),
        "{text}"
    );
    let text = events(json!({"schedule": schedule, "last": null}));
    assert!(text.contains("STATUS:CANCELLED\n"), "{text}");
}

#[test]
fn starts_that_the_rule_does_not_have_are_added() {
    let text = events(json!({"added": ["2026-03-03T16:00:00Z"]}));
    assert!(
        text.contains("RDATE;TZID=Europe/London:20260303T160000\n"),
        "{text}"
    );
}

#[test]
fn a_parent_sees_the_first_names_of_its_own_children() {
    let text = events(json!({"children": ["Ana", "Ben"], "level": "year 4"}));
    assert!(
        text.contains("SUMMARY:mathematics\\, year 4 (Ana\\, Ben)\n"),
        "{text}"
    );
}

#[test]
fn the_calendar_says_what_it_is_and_describes_each_zone_once() {
    let sydney = json!({
        "start": "2026-03-02T16:00:00",
        "end": "2026-03-02T17:00:00",
        "time_zone": "Australia/Sydney",
        "recurring": null
    });
    let all = [
        series(json!({})),
        series(json!({"schedule": sydney})),
        series(json!({})),
    ];
    let text = render(&all).unwrap();
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//LMS//Calendar "),
        "{text}"
    );
    assert!(text.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 2);
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 3);
    assert_eq!(text, render(&all).unwrap());
    assert!(
        render(&[])
            .unwrap()
            .ends_with("X-PUBLISHED-TTL:PT1H\r\nEND:VCALENDAR\r\n")
    );
}

#[test]
fn a_zone_that_nobody_knows_is_no_calendar() {
    let schedule = json!({"start": "2026-03-02T16:00:00", "end": "2026-03-02T17:00:00", "time_zone": "Mars/Olympus"});
    assert!(render(&[series(json!({"schedule": schedule}))]).is_err());
}
