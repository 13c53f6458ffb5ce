//! Weekly windows: a weekday, and the local times at which the window begins and ends. Times of day
//! are parsed in `validation`.

use serde_json::Value;

use crate::declare::field::{Field, Kind};
use crate::values::field_error::FieldError;

const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A weekly window.
pub const WINDOW: &[Field] = &[
    Field::new("weekday", Kind::OneOf(WEEKDAYS), "The day of the week.").required(),
    Field::new(
        "start",
        Kind::TimeOfDay,
        "The start of the window, as local time.",
    )
    .required(),
    Field::new(
        "end",
        Kind::TimeOfDay,
        "The end of the window, as local time.",
    )
    .required(),
];

/// Returns the errors in the times of windows: `start` and `end` are either both present or both
/// absent, and the end is later. `at` is the pointer to their list.
pub fn invalid_windows(windows: Option<&Value>, at: &str) -> Vec<FieldError> {
    let windows = windows.and_then(Value::as_array);
    windows
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, window)| wrong_times(window, &format!("{at}/{index}")))
        .collect()
}

fn wrong_times(window: &Value, at: &str) -> Option<FieldError> {
    let (start, end) = (window["start"].as_str(), window["end"].as_str());
    match (start, end) {
        (None, Some(_)) => Some(FieldError::new(
            format!("{at}/start"),
            "required",
            "A window must have a start and an end.",
        )),
        (Some(_), None) => Some(FieldError::new(
            format!("{at}/end"),
            "required",
            "A window must have a start and an end.",
        )),
        // The times have the same width, so their order as texts is their order in time.
        (Some(start), Some(end)) if end <= start => Some(FieldError::new(
            format!("{at}/end"),
            "out_of_range",
            "The end of a window must be after its start.",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_window_has_both_ends_in_order_or_none() {
        let windows = json!([
            {"start": "09:00", "end": "24:00"},
            {"start": "09:00", "end": "09:00"},
            {"end": "09:00"},
            {"start": "09:00"},
            {},
        ]);
        let found: Vec<String> = invalid_windows(Some(&windows), "/hours")
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        assert_eq!(found, ["/hours/1/end", "/hours/2/start", "/hours/3/end"]);
        assert!(invalid_windows(None, "/hours").is_empty());
        assert!(invalid_windows(Some(&Value::Null), "/hours").is_empty());
    }
}
