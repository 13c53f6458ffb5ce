//! Planning the lessons of a schedule: all of a series with an end, and those up to a horizon of a series without one.
//! Series without an end are extended to a later horizon by the worker, in `jobs::extension`.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, NaiveDateTime, TimeDelta, Utc};
use platform::values::field_error::FieldError;

use super::{LOCAL_FORMAT, Schedule, Span, error, instant};

/// The time for which lessons of a series without an end are planned ahead.
pub const HORIZON: TimeDelta = TimeDelta::weeks(53);
/// The largest number of years between the first and the last lesson of a series with an end.
pub const MAX_YEARS: u32 = 5;
/// The largest number of lessons that are planned at once.
pub const MAX_LESSONS: usize = 2000;

/// The planned lessons of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLessons {
    /// The lessons, in order.
    pub spans: Vec<Span>,
    /// The time up to which lessons are planned; none when these are all.
    pub until: Option<DateTime<Utc>>,
}

impl Schedule {
    /// Returns whether the series has an end of its own; a single lesson has one.
    pub fn ends(&self) -> bool {
        self.rule.as_ref().is_none_or(super::rule::Rule::ends)
    }

    /// The lessons that begin at `after` or later, and before `until`.
    pub fn occurrences(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = Span> + '_ {
        self.starts()
            .map(|start| self.span(start))
            .take_while(move |span| span.start < until)
            .filter(move |span| span.start >= after)
    }

    /// The lessons of a new class: all of them, or those up to the horizon, counted from `now` or from the start, whichever is later.
    ///
    /// # Errors
    ///
    /// When the start is not the first occurrence of the rule; when there are no lessons, too many, for too long, or overlapping ones;
    /// and when an exception is not in the series.
    pub fn plan(&self, now: DateTime<Utc>) -> Result<PlannedLessons, Vec<FieldError>> {
        let refuse = |code, detail: String| Err(vec![error("recurring/rule", code, detail)]);
        let begins = self
            .rule
            .as_ref()
            .is_none_or(|rule| rule.begins_on(self.start.date()));
        if !begins {
            return refuse(
                "start_not_in_rule",
                "The first occurrence of the rule must be `start`.".to_owned(),
            );
        }
        let limit = self.limit(now);
        let mut plan = PlannedLessons {
            spans: Vec::new(),
            until: None,
        };
        for start in self.starts() {
            let span = self.span(start);
            if span.start > limit && self.ends() {
                return refuse(
                    "too_long",
                    format!(
                        "A class with an end must end within {MAX_YEARS} years; this one has a lesson on {}.",
                        start.date()
                    ),
                );
            }
            if span.start >= limit && !self.ends() {
                plan.until = Some(limit);
                break;
            }
            if plan.spans.last().is_some_and(|last| last.end > span.start) {
                return refuse(
                    "overlap",
                    "The rule generates lessons that overlap each other.".to_owned(),
                );
            }
            if plan.spans.len() == MAX_LESSONS {
                return refuse(
                    "too_many",
                    format!(
                        "The rule generates more than {MAX_LESSONS} lessons, counted to its end or 53 weeks ahead."
                    ),
                );
            }
            plan.spans.push(span);
        }
        let unknown = self.unknown_exceptions(limit);
        if !unknown.is_empty() {
            return Err(unknown);
        }
        if plan.spans.is_empty() {
            return Err(vec![error(
                "recurring/except",
                "nothing_left",
                "The exceptions leave no lesson.",
            )]);
        }
        Ok(plan)
    }

    /// The lessons of a stored class to be added to those that begin before `planned`; none when nothing is to be added yet. There are at
    /// most [`MAX_LESSONS`]; then `until` is before the limit, and the next call continues there.
    pub fn continuation(
        &self,
        planned: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<PlannedLessons> {
        let horizon = now + HORIZON;
        // A series that was stored before there was a limit of years continues beyond it like one without an end.
        let limit = if self.ends() {
            self.limit(now).max(horizon)
        } else {
            horizon
        };
        if planned >= limit {
            return None;
        }
        let mut lessons = self
            .occurrences(planned, DateTime::<Utc>::MAX_UTC)
            .peekable();
        let mut spans = Vec::new();
        while spans.len() < MAX_LESSONS
            && let Some(span) = lessons.next_if(|span| span.start < limit)
        {
            spans.push(span);
        }
        let until = lessons.peek().map(|next| next.start.min(limit));
        Some(PlannedLessons { spans, until })
    }

    /// The time up to which lessons are planned.
    fn limit(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let first = instant(self.zone, self.start);
        if self.ends() {
            self.start
                .checked_add_months(Months::new(MAX_YEARS * 12))
                .map_or(first, |last| instant(self.zone, last))
        } else {
            now.max(first) + HORIZON
        }
    }

    /// An error for each exception up to a time that is not in the series.
    fn unknown_exceptions(&self, limit: DateTime<Utc>) -> Vec<FieldError> {
        let Some(last) = self.except.last() else {
            return Vec::new();
        };
        let series: BTreeSet<NaiveDateTime> = self
            .series()
            .take_while(|start| start <= last && instant(self.zone, *start) <= limit)
            .collect();
        self.except
            .iter()
            .filter(|time| instant(self.zone, **time) <= limit && !series.contains(time))
            .map(|time| {
                let detail = format!(
                    "The rule generates no lesson at {}.",
                    time.format(LOCAL_FORMAT)
                );
                error("recurring/except", "not_in_rule", detail)
            })
            .collect()
    }
}
