//! Describes time zones in iCalendar form (`VTIMEZONE`, RFC 5545, section 3.6.5). The description
//! is made from the clock changes that the database knows, so a reader computes the same times as
//! the schedule. The clock changes themselves are read in `platform::values::zones`.
//!
//! The changes are examined year by year. Those that follow one rule up to the last year become an
//! `RRULE` without end, so that endless series stay correct. The others are listed by date.

use std::collections::BTreeMap;

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use platform::values::zones::Zone;

use super::ics_writer::IcsWriter;
use super::time::format_local;

/// The number of years whose changes are examined. Within these years, a weekday falls on every day
/// of the month that it can fall on.
const EXAMINED_YEARS: i32 = 30;

/// The number of consecutive years in which a change must follow the same rule to be taken for one
/// that continues.
const MIN_RULE_YEARS: usize = 5;

/// A change of clocks, or the offset that holds from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    /// Seconds east of Greenwich before and after it.
    from: i32,
    to: i32,
    is_daylight: bool,
    name: String,
}

/// The changes of one kind: the first one, and the recurrence.
#[derive(Debug)]
struct Observance {
    change: Change,
    /// The time of the first change, by the clock as it went before.
    first: NaiveDateTime,
    recurrence: Recurrence,
}

#[derive(Debug)]
enum Recurrence {
    /// The changes happen at these times.
    At(Vec<NaiveDateTime>),
    /// The change happens every year, in this month, on this weekday, on one of these days.
    Yearly(u32, Weekday, Days),
}

/// The days of a month on which the weekday may fall.
#[derive(Debug)]
enum Days {
    /// The nth such weekday of the month.
    Nth(u32),
    Last,
    /// The weekday between these days of the month.
    Between(u32, u32),
}

/// Writes the description of the zone from a local time on.
pub(super) fn write(writer: &mut IcsWriter, zone: Zone, since: NaiveDateTime) {
    writer.component("VTIMEZONE", |writer| {
        writer.property("TZID", zone.name());
        for observance in observances(zone, since) {
            write_observance(writer, &observance);
        }
    });
}

fn write_observance(writer: &mut IcsWriter, observance: &Observance) {
    let change = &observance.change;
    let kind = if change.is_daylight {
        "DAYLIGHT"
    } else {
        "STANDARD"
    };
    writer.component(kind, |writer| {
        writer.property("DTSTART", format_local(observance.first));
        writer.property("TZOFFSETFROM", offset(change.from));
        writer.property("TZOFFSETTO", offset(change.to));
        writer.property("TZNAME", change.name.as_str());
        match &observance.recurrence {
            Recurrence::At(times) => {
                for time in times {
                    writer.property("RDATE", format_local(*time));
                }
            }
            Recurrence::Yearly(month, weekday, days) => {
                writer.property("RRULE", rule(*month, *weekday, days));
            }
        }
    });
}

fn rule(month: u32, weekday: Weekday, days: &Days) -> String {
    let weekday = weekday.to_string().to_uppercase();
    let weekday = &weekday[..2];
    match days {
        Days::Nth(number) => format!("FREQ=YEARLY;BYMONTH={month};BYDAY={number}{weekday}"),
        Days::Last => format!("FREQ=YEARLY;BYMONTH={month};BYDAY=-1{weekday}"),
        Days::Between(first, last) => {
            let days: Vec<String> = (*first..=*last).map(|day| day.to_string()).collect();
            format!(
                "FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={};BYDAY={weekday}",
                days.join(",")
            )
        }
    }
}

/// Formats an offset as `+0100`, with seconds only where there are any.
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (minutes, rest) = (seconds.abs() / 60, seconds.abs() % 60);
    let text = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
    if rest == 0 {
        text
    } else {
        format!("{text}{rest:02}")
    }
}

/// Returns the observances of a zone from a local time on.
fn observances(zone: Zone, since: NaiveDateTime) -> Vec<Observance> {
    // The search begins a whole year earlier, so that it includes the last change before `since` in
    // zones that change every year.
    let first_year = since.year() - 1;
    let changes = changes(zone, first_year, first_year + EXAMINED_YEARS);
    let mut observances = Vec::new();
    if changes.first().is_none_or(|(at, _)| *at > since) {
        observances.push(initial_observance(zone, first_year));
    }
    let mut kinds: BTreeMap<(Change, u32, u32, NaiveTime), Vec<NaiveDateTime>> = BTreeMap::new();
    for (at, change) in changes {
        let day = at.weekday().num_days_from_monday();
        kinds
            .entry((change, at.month(), day, at.time()))
            .or_default()
            .push(at);
    }
    let mut others: BTreeMap<Change, Vec<NaiveDateTime>> = BTreeMap::new();
    for ((change, ..), mut times) in kinds {
        let by_rule = times.split_off(rule_begins(&times, first_year + EXAMINED_YEARS));
        if let Some(first) = by_rule.first() {
            observances.push(Observance {
                change: change.clone(),
                first: *first,
                recurrence: Recurrence::Yearly(first.month(), first.weekday(), days(&by_rule)),
            });
        }
        others.entry(change).or_default().extend(times);
    }
    for (change, mut times) in others {
        times.sort_unstable();
        if let Some((first, more)) = times.split_first() {
            observances.push(Observance {
                change,
                first: *first,
                recurrence: Recurrence::At(more.to_vec()),
            });
        }
    }
    observances.sort_by_key(|observance| observance.first);
    observances
}

/// Returns every change of clocks in the years, each with the local time at which it happens.
fn changes(zone: Zone, first_year: i32, last_year: i32) -> Vec<(NaiveDateTime, Change)> {
    let (begin, end) = (new_year(first_year), new_year(last_year + 1));
    let mut all = zone.changes().peekable();
    let mut changes = Vec::new();
    while let Some(change) = all.next() {
        if change.at >= begin && change.at < end {
            let start = change.at + Duration::seconds(change.from.into());
            let change = Change {
                from: change.from,
                to: change.to,
                is_daylight: change.to > change.from && all.peek().is_some(),
                name: named(change.abbreviation, change.to),
            };
            changes.push((start, change));
        }
    }
    changes
}

fn new_year(year: i32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, 1, 1)
        .unwrap_or_default()
        .and_time(NaiveTime::MIN)
}

/// Returns the name of a time, or its offset if it has no name.
fn named(abbreviation: &str, seconds: i32) -> String {
    if abbreviation.starts_with(|first: char| first.is_ascii_alphabetic()) {
        abbreviation.to_owned()
    } else {
        offset(seconds)
    }
}

/// Returns the observance that holds before the first change of the years. If the clocks go back at
/// that change, it is summer time.
fn initial_observance(zone: Zone, year: i32) -> Observance {
    let first = new_year(year);
    let before = zone
        .changes()
        .take_while(|change| change.at <= first)
        .last();
    let next = zone.changes().find(|change| change.at > first);
    let seconds = match (before, next) {
        (Some(before), _) => before.to,
        (None, Some(next)) => next.from,
        (None, None) => zone.first_offset(),
    };
    let abbreviation = before.map_or(zone.first_abbreviation(), |before| before.abbreviation);
    Observance {
        first,
        change: Change {
            from: seconds,
            to: seconds,
            is_daylight: before.is_some_and(|before| before.to > before.from)
                && next.is_some_and(|next| next.to < next.from),
            name: named(abbreviation, seconds),
        },
        recurrence: Recurrence::At(Vec::new()),
    }
}

/// Returns the index from which the times follow one rule, every year up to the last.
fn rule_begins(times: &[NaiveDateTime], last_year: i32) -> usize {
    let mut expected = last_year;
    let mut days = (31, 1);
    let mut begins = times.len();
    for (index, time) in times.iter().enumerate().rev() {
        let wider = (time.day().min(days.0), time.day().max(days.1));
        if time.year() != expected || wider.1 - wider.0 > 6 {
            break;
        }
        (days, begins) = (wider, index);
        expected -= 1;
    }
    if times.len() - begins >= MIN_RULE_YEARS {
        begins
    } else {
        times.len()
    }
}

/// Returns the days of the month on which the times fall.
fn days(times: &[NaiveDateTime]) -> Days {
    let number = |time: &NaiveDateTime| (time.day() - 1) / 7 + 1;
    let is_last = |time: &NaiveDateTime| (*time + Duration::days(7)).month() != time.month();
    let nth = times.first().map_or(1, number);
    if times.iter().all(|time| number(time) == nth) {
        Days::Nth(nth)
    } else if times.iter().all(is_last) {
        Days::Last
    } else {
        let days = || times.iter().map(NaiveDateTime::day);
        Days::Between(days().min().unwrap_or(1), days().max().unwrap_or(31))
    }
}

#[cfg(test)]
mod tests;
