//! The schedule of a class as clients write it, and the fields that are derived from it. The
//! occurrences are planned by the database, and the rules of recurrence are in the crate
//! `recurrence`.

use chrono::{DateTime, SecondsFormat, Utc};
use platform::declare::field::{Field, Kind};
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use recurrence::Schedule;
use serde_json::{Map, Value, json};

use crate::meeting_url;

/// The recurrence of a class.
const RECURRING: &[Field] = &[
    Field::new(
        "rule",
        Kind::Text { min: 1, max: 500 },
        "An RFC 5545 recurrence rule, such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218T160000Z.",
    )
    .required(),
    Field::new(
        "except",
        Kind::TextList {
            items: 500,
            max: 19,
        },
        "The local start times of the lessons to leave out.",
    ),
];

/// The fields of a schedule.
pub(crate) const FIELDS: &[Field] = &[
    Field::new(
        "start",
        Kind::LocalTime,
        "The local time at which the first lesson begins.",
    )
    .required(),
    Field::new(
        "end",
        Kind::LocalTime,
        "The local time at which the first lesson ends. All lessons end at this time of day, even if a clock change \
         makes one longer or shorter. If the clocks skip the start of a lesson, it begins later by the time they skip \
         and keeps its end. If they skip its end as well, it keeps its length instead.",
    )
    .required(),
    Field::new(
        "time_zone",
        Kind::TimeZone,
        "The IANA time zone of the local times. Its clock changes are followed.",
    )
    .required(),
    Field::new(
        "recurring",
        Kind::Object(RECURRING),
        "The recurrence of the class. Null for a single lesson.",
    )
    .nullable(),
];

/// Checks a class as a whole: its schedule has lessons, and its meeting URL can be opened.
pub(crate) fn validate(values: &mut Map<String, Value>, mode: WriteMode) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(url) = values.get("meeting_url").and_then(Value::as_str)
        && !meeting_url::is_valid(url)
    {
        errors.push(FieldError::new(
            "/meeting_url",
            "invalid_url",
            "Must be an HTTPS URL, such as https://meet.example.org/room.",
        ));
    }
    if let Some(schedule) = values.get_mut("schedule") {
        match planned(schedule, mode, Utc::now()) {
            Ok((spans, until)) => {
                values.insert("planned".to_owned(), spans);
                values.insert("planned_until".to_owned(), until);
            }
            Err(found) => errors.extend(found),
        }
    }
    errors
}

/// Returns the derived fields, which hold the lessons of a schedule.
fn planned(
    schedule: &mut Value,
    mode: WriteMode,
    now: DateTime<Utc>,
) -> Result<(Value, Value), Vec<FieldError>> {
    require(schedule)?;
    let plan = Schedule::parse(schedule)?.plan(now)?;
    if let Value::Object(members) = schedule {
        complete(members, mode);
    }
    let spans = plan
        .spans
        .iter()
        .map(|span| json!([written(span.start), written(span.end)]))
        .collect();
    Ok((spans, json!(plan.until.map(written))))
}

/// Requires the members of a schedule, which is changed as a whole because its members mean nothing
/// without one another.
fn require(schedule: &Value) -> Result<(), Vec<FieldError>> {
    let mut places: Vec<&str> = ["start", "end", "time_zone"]
        .into_iter()
        .filter(|name| schedule[name].is_null())
        .collect();
    if schedule["recurring"].is_object() && schedule["recurring"]["rule"].is_null() {
        places.push("recurring/rule");
    }
    if places.is_empty() {
        return Ok(());
    }
    Err(places
        .into_iter()
        .map(|place| {
            FieldError::new(
                format!("/schedule/{place}"),
                "required",
                "This field is required, because a schedule is replaced as a whole.",
            )
        })
        .collect())
}

/// Adds null for every member that a schedule leaves out, so that merging it into the stored
/// schedule replaces that one.
fn complete(schedule: &mut Map<String, Value>, mode: WriteMode) {
    match (mode, schedule.get_mut("recurring")) {
        (WriteMode::Create, Some(Value::Null)) => {
            schedule.remove("recurring");
        }
        (WriteMode::Update, None) => {
            schedule.insert("recurring".to_owned(), Value::Null);
        }
        (WriteMode::Update, Some(Value::Object(recurring))) => {
            recurring.entry("except").or_insert(Value::Null);
        }
        _ => {}
    }
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_a_patch_leaves_out_are_removed() {
        let now = Utc::now();
        let single = json!({
            "start": "2026-03-02T16:00:00",
            "end": "2026-03-02T17:00:00",
            "time_zone": "Europe/London",
        });
        let mut patch = single.clone();
        assert!(planned(&mut patch, WriteMode::Update, now).is_ok());
        assert_eq!(patch["recurring"], Value::Null);
        assert!(patch.get("recurring").is_some());
        let mut body = single.clone();
        body["recurring"] = Value::Null;
        assert!(planned(&mut body, WriteMode::Create, now).is_ok());
        assert_eq!(body, single);
        let mut series = single.clone();
        series["recurring"] = json!({"rule": "FREQ=WEEKLY;COUNT=2"});
        let (spans, until) = planned(&mut series, WriteMode::Update, now).unwrap();
        assert_eq!(
            spans,
            json!([
                ["2026-03-02T16:00:00Z", "2026-03-02T17:00:00Z"],
                ["2026-03-09T16:00:00Z", "2026-03-09T17:00:00Z"],
            ])
        );
        assert_eq!(until, Value::Null);
        assert_eq!(
            series["recurring"],
            json!({"rule": "FREQ=WEEKLY;COUNT=2", "except": null})
        );
    }

    #[test]
    fn a_schedule_is_set_as_a_whole() {
        let mut values = Map::from_iter([(
            "schedule".to_owned(),
            json!({"end": "2026-03-02T17:00:00", "recurring": {"except": []}}),
        )]);
        let errors = validate(&mut values, WriteMode::Update);
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/schedule/start",
                "/schedule/time_zone",
                "/schedule/recurring/rule"
            ]
        );
    }
}
