//! Schedules: when the lessons of a class are, computed from wall-clock times, a time zone and an RFC 5545 rule.
//!
//! Pure: nothing in here asks a clock or a database. A series is expanded as the clock on the wall shows it, so that a
//! class at 16:00 stays at 16:00, and only then turned into instants. The zones come from `platform::values::zones`.

mod plan;
mod rule;
mod series;
mod wall;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use platform::values::field_error::FieldError;
use platform::values::zones::Zone;
use serde_json::Value;

pub use plan::{HORIZON, MAX_LESSONS, MAX_YEARS, Plan};
pub use wall::{Reading, instant, reading, zone};

/// The longest lesson, by the clock on the wall.
const MAX_LESSON: TimeDelta = TimeDelta::hours(24);
/// How local times are written.
const FORM: &str = "%Y-%m-%dT%H:%M:%S";

/// One lesson: from its start up to, and without, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it has ended.
    pub end: DateTime<Utc>,
}

/// When a class meets.
#[derive(Debug, Clone)]
pub struct Schedule {
    zone: Zone,
    start: NaiveDateTime,
    end: NaiveDateTime,
    rule: Option<rule::Rule>,
    except: BTreeSet<NaiveDateTime>,
}

impl Schedule {
    /// Reads a schedule that is to be stored: `start`, `end` and `time_zone`, and `recurring` with `rule` and `except`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with pointers below `/schedule`.
    pub fn parse(value: &Value) -> Result<Schedule, Vec<FieldError>> {
        let schedule = Schedule::read(value);
        let mut errors = schedule.as_ref().err().cloned().unwrap_or_default();
        errors.extend(unclear_times(value));
        if errors.is_empty() {
            schedule
        } else {
            Err(errors)
        }
    }

    /// Reads a schedule that is stored already. Its first lesson may be in an hour that the clocks skip, where a series was
    /// split at such a lesson.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with pointers below `/schedule`.
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
        let start = local(&value["start"], "start", &mut errors);
        let end = local(&value["end"], "end", &mut errors);
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
            except.extend(local(
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

    /// The zone whose clocks the schedule follows.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The first start, by the clock on the wall.
    pub fn start(&self) -> NaiveDateTime {
        self.start
    }

    /// The first end, by the clock on the wall.
    pub fn end(&self) -> NaiveDateTime {
        self.end
    }

    /// The starts of the series, by the clock on the wall, without those that are left out.
    fn starts(&self) -> impl Iterator<Item = NaiveDateTime> + '_ {
        self.series().filter(|start| !self.except.contains(start))
    }

    /// The starts that the rule makes.
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

    /// The lesson that begins at a time of the wall. It has ended when the clock on the wall shows its end, however long that
    /// takes where the clocks change in between. One that begins in an hour that the clocks skip begins as much later as they
    /// skip (RFC 5545, section 3.3.5) and keeps its end too; where the clocks have gone past its end, it keeps its length.
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

/// Times of the first lesson that the clock on the wall never shows, or twice.
fn unclear_times(value: &Value) -> Vec<FieldError> {
    let Some(zone) = value["time_zone"].as_str().and_then(zone) else {
        return Vec::new();
    };
    ["start", "end"]
        .into_iter()
        .filter_map(|field| {
            let time = NaiveDateTime::parse_from_str(value[field].as_str()?, FORM).ok()?;
            let unclear = match reading(zone, time) {
                Reading::Once(_) => return None,
                Reading::Skipped(_) => "skipped",
                Reading::Twice(..) => "repeated",
            };
            let detail = format!(
                "The local time is {unclear} when the clocks change in {zone}. Choose another time."
            );
            Some(error(field, "clock_change", detail))
        })
        .collect()
}

fn local(value: &Value, place: &str, errors: &mut Vec<FieldError>) -> Option<NaiveDateTime> {
    let time = value
        .as_str()
        .and_then(|text| NaiveDateTime::parse_from_str(text, FORM).ok());
    if time.is_none() {
        errors.push(error(
            place,
            "invalid_local_time",
            "Must be a local date and time without an offset, such as 2026-03-29T16:00:00.",
        ));
    }
    time
}

fn error(place: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError::new(format!("/schedule/{place}"), code, detail)
}

#[cfg(test)]
mod tests;
