//! The log of a component: each event is a JSON object in one line of standard error, with the
//! members that lines of the host and the worker have. Spin copies lines as they are, and the
//! embedded host prints the events among its own.
//!
//! No event has a path, a query, a header or a body, because those contain what people typed.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// The target of the events of all components.
const TARGET: &str = "component";

/// An event, which is always a failure: components log nothing else.
#[derive(Serialize)]
pub struct Event<'a> {
    /// The name of the component.
    pub component: &'a str,
    /// The id of the operation, such as `users.list`, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The status of the response.
    pub status: u16,
    /// The id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The id of the trace that the request belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
    /// The reason, without values.
    pub message: &'a str,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "time")]
    timestamp: DateTime<Utc>,
    level: &'static str,
    target: &'static str,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl Event<'_> {
    /// Writes the event to standard error.
    pub fn log(&self) {
        eprintln!("{}", self.line(Utc::now()));
    }

    fn line(&self, timestamp: DateTime<Utc>) -> String {
        let line = Line {
            timestamp,
            level: "ERROR",
            target: TARGET,
            event: self,
        };
        // Texts and numbers can always be serialised.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_json_object_in_one_line() {
        let event = Event {
            component: "users",
            operation: Some("users.list".to_owned()),
            status: 503,
            request_id: Some("r-1"),
            trace_id: None,
            message: "the database\ncannot be reached",
        };
        assert_eq!(
            event.line(DateTime::UNIX_EPOCH),
            r#"{"timestamp":"1970-01-01T00:00:00.000000Z","level":"ERROR","target":"component","component":"users","operation":"users.list","status":503,"request_id":"r-1","message":"the database\ncannot be reached"}"#
        );
    }
}
