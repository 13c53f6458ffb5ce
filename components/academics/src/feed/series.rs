//! The series that a calendar is rendered from: each class with its schedule and the occurrences
//! that depart from it. The statement that reads them is in `subscription`.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

/// A class as the database returns it for one user.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Series {
    /// The class.
    pub(super) id: String,
    /// The revision, which grows with every change of the class and of its occurrences.
    pub(super) sequence: u32,
    /// The time of the last change.
    pub(super) changed_at: DateTime<Utc>,
    pub(super) schedule: Schedule,
    /// True if the class is scheduled, so that the rule may still add occurrences.
    #[serde(rename = "goes_on")]
    pub(super) is_ongoing: bool,
    /// The time up to which occurrences are planned. Null when all of them are.
    #[serde(default)]
    pub(super) planned_until: Option<DateTime<Utc>>,
    /// The planned start of the last occurrence that is not cancelled. Null when there is none.
    pub(super) last: Option<DateTime<Utc>>,
    pub(super) subject: Option<String>,
    pub(super) level: Option<String>,
    pub(super) centre: Option<String>,
    pub(super) room: Option<String>,
    pub(super) meeting_url: Option<String>,
    /// The first names of the user's own children in the class, when the user is a parent.
    pub(super) children: Vec<String>,
    /// The starts of the rule that do not take place.
    pub(super) cancelled: Vec<DateTime<Utc>>,
    /// The occurrences at another time or in another room than the rule gives them.
    #[serde(rename = "moved")]
    pub(super) rescheduled: Vec<Rescheduled>,
    /// The starts that the rule does not have, or no longer has.
    pub(super) added: Vec<DateTime<Utc>>,
}

/// The schedule of a class as it is stored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Schedule {
    pub(super) start: NaiveDateTime,
    pub(super) end: NaiveDateTime,
    pub(super) time_zone: String,
    pub(super) recurring: Option<Recurring>,
}

/// The recurrence of a class.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recurring {
    pub(super) rule: String,
    #[serde(default)]
    pub(super) except: Vec<NaiveDateTime>,
}

/// An occurrence that departs from its series.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Rescheduled {
    /// The planned start.
    pub(super) original_start: DateTime<Utc>,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) room: Option<String>,
}
