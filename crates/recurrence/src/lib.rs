//! Schedules: the lessons of a class, computed from local times, a time zone and an RFC 5545 rule.
//! Lessons are stored by the component `academics` and the worker; time zones are looked up in `platform::values::zones`.
//!
//! Nothing in here uses a clock or a database. A series is expanded in local time, so that a class at 16:00 stays at 16:00, and only then
//! converted to instants.

mod local_time;
mod plan;
mod rule;
mod series;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use platform::values::field_error::FieldError;
use platform::values::zones::Zone;
use serde_json::Value;

pub use local_time::{LocalInstants, instant, instants, zone};
pub use plan::{HORIZON, MAX_LESSONS, MAX_YEARS, PlannedLessons};

/// The longest lesson, in local time.
const MAX_LESSON: TimeDelta = TimeDelta::hours(24);
/// The format of local times.
const LOCAL_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// A lesson, from its start up to but not including its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
}

/// The schedule of a class.
#[derive(Debug, Clone)]
pub struct Schedule {
    zone: Zone,
    start: NaiveDateTime,
    end: NaiveDateTime,
    rule: Option<rule::Rule>,
    except: BTreeSet<NaiveDateTime>,
}

impl Schedule {
    /// Parses a schedule that is to be stored: `start`, `end` and `time_zone`, and `recurring` with `rule` and `except`.
    ///
    /// # Errors
    ///
    /// Every error in it, with pointers below `/schedule`.
    pub fn parse(value: &Value) -> Result<Schedule, Vec<FieldError>> {
        let schedule = Schedule::read(value);
        let mut errors = schedule.as_ref().err().cloned().unwrap_or_default();
        errors.extend(ambiguous_times(value));
        if errors.is_empty() {
            schedule
        } else {
            Err(errors)
        }
    }

    /// Reads a stored schedule. Its first lesson may be in an hour that the clocks skip, when a series was split at such a lesson.
    ///
    /// # Errors
    ///
    /// Every error in it, with pointers below `/schedule`.
    pub fn read(value: &Value) -> Result<Schedule, Vec<FieldError>> {
        let mut errors = Vec::new();
        let zone = value["time_zone"].as_str().and_then(zone);
        if zone.is_none() {
            errors.push(error(
                "time_zone",
                "unknown_time_zone",
                "Must be an IANA time zone, such as Europe/London.",
            ));
        }
        let start = parse_local(&value["start"], "start", &mut errors);
        let end = parse_local(&value["end"], "end", &mut errors);
        let (Some(zone), Some(start), Some(end)) = (zone, start, end) else {
            return Err(errors);
        };
        if end <= start {
            errors.push(error(
                "end",
                "not_after_start",
                "The end must be after the start.",
            ));
        } else if end - start > MAX_LESSON {
            errors.push(error(
                "end",
                "too_long",
                "A lesson must last at most 24 hours. Use `recurring` for a series of lessons.",
            ));
        }
        let recurring = Some(&value["recurring"]).filter(|recurring| !recurring.is_null());
        let rule = recurring.and_then(|recurring| {
            let text = recurring["rule"].as_str().unwrap_or_default();
            rule::parse(text, start, instant(zone, start))
                .map_err(|(code, detail)| errors.push(error("recurring/rule", code, detail)))
                .ok()
        });
        let mut except = BTreeSet::new();
        let listed = recurring.and_then(|recurring| recurring["except"].as_array());
        for (index, time) in listed.into_iter().flatten().enumerate() {
            except.extend(parse_local(
                time,
                &format!("recurring/except/{index}"),
                &mut errors,
            ));
        }
        if errors.is_empty() {
            Ok(Schedule {
                zone,
                start,
                end,
                rule,
                except,
            })
        } else {
            Err(errors)
        }
    }

    /// The time zone of the schedule.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The first start, in local time.
    pub fn start(&self) -> NaiveDateTime {
        self.start
    }

    /// The first end, in local time.
    pub fn end(&self) -> NaiveDateTime {
        self.end
    }

    /// The starts of the series in local time, without the exceptions.
    fn starts(&self) -> impl Iterator<Item = NaiveDateTime> + '_ {
        self.series().filter(|start| !self.except.contains(start))
    }

    /// The starts that the rule generates.
    fn series(&self) -> Box<dyn Iterator<Item = NaiveDateTime> + '_> {
        let Some(rule) = &self.rule else {
            return Box::new(std::iter::once(self.start));
        };
        let (zone, until) = (self.zone, rule.until);
        Box::new(
            rule.days_from(self.start.date())
                .map(|day| day.and_time(self.start.time()))
                .take_while(move |start| until.is_none_or(|until| instant(zone, *start) <= until)),
        )
    }

    /// The lesson that begins at a local time. It ends at its local end, however long that takes when the clocks change in between. A
    /// lesson that begins in an hour that the clocks skip begins later by that hour (RFC 5545, section 3.3.5) and keeps its end; when the
    /// clocks skip its end too, it keeps its length.
    fn span(&self, start: NaiveDateTime) -> Span {
        let length = self.end - self.start;
        let (begin, end) = (
            instant(self.zone, start),
            instant(self.zone, start + length),
        );
        Span {
            start: begin,
            end: if end > begin { end } else { begin + length },
        }
    }
}

/// An error for each time of the first lesson that does not occur, or occurs twice.
fn ambiguous_times(value: &Value) -> Vec<FieldError> {
    let Some(zone) = value["time_zone"].as_str().and_then(zone) else {
        return Vec::new();
    };
    ["start", "end"]
        .into_iter()
        .filter_map(|field| {
            let time = NaiveDateTime::parse_from_str(value[field].as_str()?, LOCAL_FORMAT).ok()?;
            let change = match instants(zone, time) {
                LocalInstants::Unique(_) => return None,
                LocalInstants::Skipped(_) => "skipped",
                LocalInstants::Ambiguous(..) => "repeated",
            };
            let detail = format!(
                "The local time is {change} when the clocks change in {zone}. Choose another time."
            );
            Some(error(field, "clock_change", detail))
        })
        .collect()
}

fn parse_local(value: &Value, path: &str, errors: &mut Vec<FieldError>) -> Option<NaiveDateTime> {
    let time = value
        .as_str()
        .and_then(|text| NaiveDateTime::parse_from_str(text, LOCAL_FORMAT).ok());
    if time.is_none() {
        errors.push(error(
            path,
            "invalid_local_time",
            "Must be a local date and time without an offset, such as 2026-03-29T16:00:00.",
        ));
    }
    time
}

fn error(path: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError::new(format!("/schedule/{path}"), code, detail)
}

#[cfg(test)]
mod tests;
