//! Schedules: when the lessons of a class are, computed from wall-clock times, a time zone and an RFC 5545 rule.
//!
//! Pure: nothing in here asks a clock or a database. A series is expanded as the clock on the wall shows it, so that a
//! class at 16:00 stays at 16:00, and only then turned into instants.

mod rule;
mod wall;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use platform::problem::FieldError;
use platform::zones::Zone;
use serde_json::Value;

pub use wall::{Reading, instant, reading, zone};

/// How far ahead the lessons of a series are made: behind it, the worker goes on.
pub const HORIZON: TimeDelta = TimeDelta::weeks(26);
/// Most lessons of a series up to the horizon.
pub const MOST_OCCURRENCES: usize = 1000;
/// The longest lesson, by the clock on the wall.
const LONGEST: TimeDelta = TimeDelta::hours(24);
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
    rule: Option<rrule::RRuleSet>,
    except: BTreeSet<NaiveDateTime>,
}

/// The lessons of a schedule up to the horizon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The lessons, in order.
    pub spans: Vec<Span>,
    /// The horizon, when there are lessons behind it; none when these are all.
    pub until: Option<DateTime<Utc>>,
}

impl Schedule {
    /// Reads a schedule: `start`, `end` and `time_zone`, and `recurring` with `rule` and `except`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with pointers below `/schedule`.
    pub fn parse(value: &Value) -> Result<Schedule, Vec<FieldError>> {
        let mut errors = Vec::new();
        let zone = value["time_zone"].as_str().and_then(zone);
        if zone.is_none() {
            errors.push(error(
                "time_zone",
                "unknown_time_zone",
                "This must be an IANA time zone, such as Europe/London.",
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
        } else if end - start > LONGEST {
            errors.push(error(
                "end",
                "too_long",
                "A lesson takes at most 24 hours; let it recur.",
            ));
        }
        for (field, time) in [("start", start), ("end", end)] {
            if let Some(detail) = match reading(zone, time) {
                Reading::Once(_) => None,
                Reading::Skipped(_) => Some("skipped"),
                Reading::Twice(..) => Some("doubled"),
            } {
                let detail = format!(
                    "This local time is {detail} when the clocks change in {zone}; choose another."
                );
                errors.push(error(field, "clock_change", detail));
            }
        }
        let recurring = Some(&value["recurring"]).filter(|recurring| !recurring.is_null());
        let rule = recurring.and_then(|recurring| {
            let text = recurring["rule"].as_str().unwrap_or_default();
            rule::parse(text, start, zone)
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

    /// The lessons that begin at `after` or later, and before `until`; at most [`MOST_OCCURRENCES`].
    pub fn occurrences(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Span> {
        self.starts()
            .map(|start| self.span(start))
            .take_while(|span| span.start < until)
            .filter(|span| span.start >= after)
            .take(MOST_OCCURRENCES)
            .collect()
    }

    /// Whether there are lessons that begin at a time or later.
    pub fn goes_on(&self, at: DateTime<Utc>) -> bool {
        self.starts().any(|start| instant(self.zone, start) >= at)
    }

    /// The lessons up to the horizon, which lies ahead of `now`, or of the start when that is later.
    ///
    /// # Errors
    ///
    /// When the rule doesn't begin with the start, leaves no lesson, makes too many, or makes them overlap, and for
    /// exceptions that are not of its series.
    pub fn plan(&self, now: DateTime<Utc>) -> Result<Plan, Vec<FieldError>> {
        let refuse = |code, detail: &str| Err(vec![error("recurring/rule", code, detail)]);
        let horizon = now.max(instant(self.zone, self.start)) + HORIZON;
        let mut plan = Plan {
            spans: Vec::new(),
            until: None,
        };
        if self.series().next() != Some(self.start) {
            return refuse(
                "start_not_in_rule",
                "The first occurrence of the rule must be the start.",
            );
        }
        for start in self.starts() {
            let span = self.span(start);
            if span.start >= horizon {
                plan.until = Some(horizon);
                break;
            }
            if plan.spans.last().is_some_and(|last| last.end > span.start) {
                return refuse(
                    "overlap",
                    "The rule makes lessons that overlap with each other.",
                );
            }
            if plan.spans.len() == MOST_OCCURRENCES {
                return refuse(
                    "too_many",
                    "The rule makes more than 1000 lessons up to the horizon, 26 weeks ahead.",
                );
            }
            plan.spans.push(span);
        }
        let series: BTreeSet<NaiveDateTime> = self
            .series()
            .take_while(|start| instant(self.zone, *start) < horizon)
            .collect();
        let unknown: Vec<FieldError> = self
            .except
            .iter()
            .filter(|time| instant(self.zone, **time) < horizon && !series.contains(time))
            .map(|time| {
                let detail = format!("The rule has no lesson at {}.", time.format(FORM));
                error("recurring/except", "not_in_rule", detail)
            })
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        if plan.spans.is_empty() {
            return Err(vec![error(
                "recurring/except",
                "nothing_left",
                "No lesson is left.",
            )]);
        }
        Ok(plan)
    }

    /// The starts of the series, by the clock on the wall, without those that are left out.
    fn starts(&self) -> impl Iterator<Item = NaiveDateTime> + '_ {
        self.series().filter(|start| !self.except.contains(start))
    }

    /// The starts that the rule makes.
    fn series(&self) -> Box<dyn Iterator<Item = NaiveDateTime> + '_> {
        match &self.rule {
            None => Box::new(std::iter::once(self.start)),
            Some(set) => Box::new(set.into_iter().map(|start| start.naive_utc())),
        }
    }

    /// The lesson that begins at a time of the wall: it takes as long by the clock as the first one.
    fn span(&self, start: NaiveDateTime) -> Span {
        let (begin, end) = (
            instant(self.zone, start),
            instant(self.zone, start + (self.end - self.start)),
        );
        Span {
            start: begin,
            // Where the clocks go forward or back in the midst of a lesson so that it would end before it begins.
            end: if end > begin {
                end
            } else {
                begin + (self.end - self.start)
            },
        }
    }
}

fn local(value: &Value, place: &str, errors: &mut Vec<FieldError>) -> Option<NaiveDateTime> {
    let time = value
        .as_str()
        .and_then(|text| NaiveDateTime::parse_from_str(text, FORM).ok());
    if time.is_none() {
        errors.push(error(
            place,
            "invalid_local_time",
            "This must be a local date and time without an offset, such as 2026-03-29T16:00:00.",
        ));
    }
    time
}

fn error(place: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError::new(format!("/schedule/{place}"), code, detail)
}

#[cfg(test)]
mod tests;
