//! The days of a rule by RFC 5545 (section 3.3.10): in each interval the days that match every part of the rule, and of those the
//! positions that BYSETPOS selects.
//! Rules are parsed in [`super::rule`].

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::rule::{Day, Frequency, Rule};

/// The last year of any series.
const LAST_YEAR: i32 = 9999;

/// An interval of days, in which a rule counts its positions.
#[derive(Debug, Clone, Copy)]
struct Interval {
    first: NaiveDate,
    last: NaiveDate,
}

impl Rule {
    /// The days of the rule from the start on, in order.
    pub(super) fn days_from(&self, start: NaiveDate) -> impl Iterator<Item = NaiveDate> + '_ {
        (0..)
            .map_while(move |number| self.interval(start, number))
            .flat_map(move |interval| self.selected(interval))
            .skip_while(move |day| *day < start)
            .take(self.count.unwrap_or(usize::MAX))
    }

    /// Returns whether the start is one of the rule's days.
    pub(super) fn begins_on(&self, start: NaiveDate) -> bool {
        self.interval(start, 0)
            .is_some_and(|interval| self.selected(interval).contains(&start))
    }

    /// The interval with this number, counted from the one that contains the start; none after the last year.
    ///
    /// A week belongs to the year that has most of its days. So the last days of December may be in the first week of the next year, and
    /// the first of January in the last week of the year before. In rules with weeks, a year therefore consists of whole weeks.
    fn interval(&self, start: NaiveDate, number: u32) -> Option<Interval> {
        let steps = number.checked_mul(self.interval)?;
        let (first, last) = match self.frequency {
            Frequency::Daily => {
                let day = start.checked_add_days(Days::new(steps.into()))?;
                (day, day)
            }
            Frequency::Weekly => {
                let first = week_of(start, self.week_start)?
                    .checked_add_days(Days::new(u64::from(steps) * 7))?;
                (first, first.checked_add_days(Days::new(6))?)
            }
            Frequency::Monthly => {
                let first = start.with_day(1)?.checked_add_months(Months::new(steps))?;
                (
                    first,
                    day_before(first.checked_add_months(Months::new(1))?)?,
                )
            }
            Frequency::Yearly if self.weeks.is_empty() => {
                let year = start.year().checked_add_unsigned(steps)?;
                (
                    NaiveDate::from_ymd_opt(year, 1, 1)?,
                    NaiveDate::from_ymd_opt(year, 12, 31)?,
                )
            }
            Frequency::Yearly => {
                let middle = week_of(start, self.week_start)?.checked_add_days(Days::new(3))?;
                let year = middle.year().checked_add_unsigned(steps)?;
                (
                    first_week(year, self.week_start)?,
                    day_before(first_week(year.checked_add(1)?, self.week_start)?)?,
                )
            }
        };
        (first.year() <= LAST_YEAR).then_some(Interval { first, last })
    }

    /// The days of an interval that the rule selects, in order.
    fn selected(&self, interval: Interval) -> Vec<NaiveDate> {
        let days: Vec<NaiveDate> = interval
            .first
            .iter_days()
            .take_while(|day| *day <= interval.last)
            .filter(|day| self.matches(*day, interval))
            .collect();
        if self.positions.is_empty() {
            return days;
        }
        let count = i32::try_from(days.len()).unwrap_or(i32::MAX);
        (1..)
            .zip(&days)
            .filter(|(position, _)| is_listed(&self.positions, *position, count))
            .map(|(_, day)| *day)
            .collect()
    }

    /// Returns whether the day matches each part of the rule.
    fn matches(&self, day: NaiveDate, interval: Interval) -> bool {
        let allows = |parts: &[i32], position: i64, count: i64| {
            parts.is_empty() || is_listed(parts, to_i32(position), to_i32(count))
        };
        let (in_month, of_month) = (i64::from(day.day()), days_of_month(day));
        let (in_year, of_year) = (i64::from(day.ordinal()), days_of_year(day));
        let in_interval = (day - interval.first).num_days();
        let of_interval = (interval.last - interval.first).num_days() + 1;
        (self.months.is_empty() || self.months.contains(&day.month()))
            && allows(&self.month_days, in_month, of_month)
            && allows(&self.year_days, in_year, of_year)
            && allows(&self.weeks, in_interval / 7 + 1, of_interval / 7)
            && (self.days.is_empty() || self.days.iter().any(|one| self.is_weekday(*one, day)))
    }

    /// Returns whether a day is the given weekday. An ordinal counts in the month, or in the year when the rule has no months.
    fn is_weekday(&self, wanted: Day, day: NaiveDate) -> bool {
        let Some(ordinal) = wanted.ordinal else {
            return day.weekday() == wanted.weekday;
        };
        let in_year = self.frequency == Frequency::Yearly && self.months.is_empty();
        let (number, count) = if in_year {
            (i64::from(day.ordinal()), days_of_year(day))
        } else {
            (i64::from(day.day()), days_of_month(day))
        };
        let before = (number - 1) / 7;
        let after = (count - number) / 7;
        day.weekday() == wanted.weekday
            && is_listed(&[ordinal], to_i32(before + 1), to_i32(before + after + 1))
    }
}

/// Returns whether a position among `count` is listed, counted from the beginning or from the end.
fn is_listed(listed: &[i32], position: i32, count: i32) -> bool {
    listed.contains(&position) || listed.contains(&(position - count - 1))
}

fn to_i32(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn day_before(day: NaiveDate) -> Option<NaiveDate> {
    day.pred_opt()
}

fn days_of_month(day: NaiveDate) -> i64 {
    day.with_day(1)
        .and_then(|first| Some((first.checked_add_months(Months::new(1))? - first).num_days()))
        .unwrap_or_default()
}

fn days_of_year(day: NaiveDate) -> i64 {
    if day.leap_year() { 366 } else { 365 }
}

/// The first day of the week that a day lies in.
fn week_of(day: NaiveDate, week_start: Weekday) -> Option<NaiveDate> {
    let days = day.weekday().days_since(week_start);
    day.checked_sub_days(Days::new(days.into()))
}

/// The first day of a year's first week, which has at least four days in that year.
fn first_week(year: i32, week_start: Weekday) -> Option<NaiveDate> {
    week_of(NaiveDate::from_ymd_opt(year, 1, 4)?, week_start)
}
