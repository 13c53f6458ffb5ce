//! How far the lessons of a schedule are made ahead: of a series with an end all of them, of one without up to a horizon that
//! the worker moves on.

use std::collections::BTreeSet;

use chrono::{DateTime, Months, NaiveDateTime, TimeDelta, Utc};
use platform::values::field_error::FieldError;

use super::{FORM, Schedule, Span, error, instant};

/// How far ahead the lessons of a series without an end are made.
pub const HORIZON: TimeDelta = TimeDelta::weeks(53);
/// Most years between the first lesson and the last one of a series with an end.
pub const MAX_YEARS: u32 = 5;
/// Most lessons that are made at once.
pub const MAX_LESSONS: usize = 2000;

/// The lessons of a schedule that are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The lessons, in order.
    pub spans: Vec<Span>,
    /// Up to when they are made, where there are lessons behind it; none when these are all.
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

    /// The lessons of a new class: all of them, or those up to the horizon, which lies ahead of `now`, or of the start when that
    /// is later.
    ///
    /// # Errors
    ///
    /// When the rule doesn't begin with the start, leaves no lesson, makes too many or makes them for too long, or makes them
    /// overlap, and for exceptions that are not of its series.
    pub fn plan(&self, now: DateTime<Utc>) -> Result<Plan, Vec<FieldError>> {
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
        let mut plan = Plan {
            spans: Vec::new(),
            until: None,
        };
        for start in self.starts() {
            let span = self.span(start);
            if span.start > limit && self.ends() {
                return refuse(
                    "too_long",
                    format!(
                        "A class with an end must end within {MAX_YEARS} years, but this class has a lesson on {}.",
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
                    "The rule produces lessons that overlap each other.".to_owned(),
                );
            }
            if plan.spans.len() == MAX_LESSONS {
                return refuse(
                    "too_many",
                    format!(
                        "The rule produces more than {MAX_LESSONS} lessons, counted to its end or 53 weeks ahead."
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
                "The exceptions leave no lesson in the schedule.",
            )]);
        }
        Ok(plan)
    }

    /// The lessons of a stored class that are to be added to those that begin before `planned`; none when there is nothing to do
    /// yet. At most [`MAX_LESSONS`]: there are more to come when the end is not after what is asked for.
    pub fn continuation(&self, planned: DateTime<Utc>, now: DateTime<Utc>) -> Option<Plan> {
        let horizon = now + HORIZON;
        // A series that was made before there was a limit of years goes on behind it as one without an end does.
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
        Some(Plan { spans, until })
    }

    /// Up to when lessons are made.
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

    /// Exceptions up to a time that are not of the series.
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
                let detail = format!("The rule produces no lesson at {}.", time.format(FORM));
                error("recurring/except", "not_in_rule", detail)
            })
            .collect()
    }
}
