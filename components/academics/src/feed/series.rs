//! What a calendar is rendered from: each class with its schedule and with what departs from it.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

/// A class, as the database gives it for one user.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Series {
    /// The class.
    pub(super) id: String,
    /// Grows with every change of the class and of its occurrences.
    pub(super) sequence: u32,
    /// When it changed last.
    pub(super) changed_at: DateTime<Utc>,
    pub(super) schedule: Schedule,
    /// Whether occurrences may still be added by its rule.
    pub(super) goes_on: bool,
    /// Up to when its occurrences are made; null when all are.
    #[serde(default)]
    pub(super) planned_until: Option<DateTime<Utc>>,
    /// When the last occurrence that isn't cancelled was to start; null when there is none.
    pub(super) last: Option<DateTime<Utc>>,
    pub(super) subject: Option<String>,
    pub(super) level: Option<String>,
    pub(super) centre: Option<String>,
    pub(super) room: Option<String>,
    pub(super) meeting_url: Option<String>,
    /// First names of the user's own children in it, when the user is a parent.
    pub(super) children: Vec<String>,
    /// Starts of the rule's that are not taking place.
    pub(super) cancelled: Vec<DateTime<Utc>>,
    /// Occurrences at other times or in another room than the rule has them.
    pub(super) moved: Vec<Moved>,
    /// Starts that the rule doesn't have, or not any more.
    pub(super) added: Vec<DateTime<Utc>>,
}

/// The schedule of a class, as it is stored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Schedule {
    pub(super) start: NaiveDateTime,
    pub(super) end: NaiveDateTime,
    pub(super) time_zone: String,
    pub(super) recurring: Option<Recurring>,
}

/// How a class comes again.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recurring {
    pub(super) rule: String,
    #[serde(default)]
    pub(super) except: Vec<NaiveDateTime>,
}

/// An occurrence that departs from its series.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Moved {
    /// When it was to start.
    pub(super) original_start: DateTime<Utc>,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) room: Option<String>,
}
