//! Parsing of RFC 5545 rules. It is strict, because ignoring a part would plan other lessons than the user wanted.
//! The days of a rule are computed in [`super::series`].
//!
//! The time of day is that of the start, so the parts for hours, minutes and seconds are rejected.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc, Weekday};
use platform::values::field_error::ValueError;

/// The maximum number of characters of a rule.
const MAX_RULE_CHARACTERS: usize = 500;

/// The unit of a rule's interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday with its ordinal in the month or year, counted from the end when it is negative. Without an ordinal, every such weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) weekday: Weekday,
    pub(super) ordinal: Option<i32>,
}

/// A rule, completed from the start: parts that are needed to determine the days and are missing are the start's (RFC 5545,
/// section 3.3.10).
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) count: Option<usize>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) week_start: Weekday,
    pub(super) months: Vec<u32>,
    pub(super) weeks: Vec<i32>,
    pub(super) year_days: Vec<i32>,
    pub(super) month_days: Vec<i32>,
    pub(super) days: Vec<Day>,
    pub(super) positions: Vec<i32>,
}

impl Rule {
    fn of(frequency: Frequency) -> Rule {
        Rule {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Mon,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// Returns whether the rule has an end of its own.
    pub(super) fn ends(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }

    /// Adds the missing parts from the start. A week of the year without a weekday gets the weekday of the start.
    fn complete(&mut self, start: NaiveDate) {
        if !(self.days.is_empty() && self.month_days.is_empty() && self.year_days.is_empty()) {
            return;
        }
        let weekday = Day {
            weekday: start.weekday(),
            ordinal: None,
        };
        let day_of_month = i32::try_from(start.day()).unwrap_or_default();
        match self.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => self.days.push(weekday),
            Frequency::Monthly => self.month_days.push(day_of_month),
            Frequency::Yearly if !self.weeks.is_empty() => self.days.push(weekday),
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.push(start.month());
                }
                self.month_days.push(day_of_month);
            }
        }
    }
}

/// Parses a rule whose first occurrence is the start.
pub(super) fn parse(
    text: &str,
    start: NaiveDateTime,
    first: DateTime<Utc>,
) -> Result<Rule, ValueError> {
    if text.chars().count() > MAX_RULE_CHARACTERS {
        return Err(invalid(format!(
            "it is longer than {MAX_RULE_CHARACTERS} characters"
        )));
    }
    let parts = parts(text)?;
    let has = |name: &str| parts.iter().any(|(other, _)| *other == name);
    let frequency = match parts.iter().find(|(name, _)| *name == "FREQ") {
        Some((_, "DAILY")) => Frequency::Daily,
        Some((_, "WEEKLY")) => Frequency::Weekly,
        Some((_, "MONTHLY")) => Frequency::Monthly,
        Some((_, "YEARLY")) => Frequency::Yearly,
        _ => {
            return Err(invalid(
                "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY".to_owned(),
            ));
        }
    };
    if has("COUNT") && has("UNTIL") {
        return Err(invalid("COUNT and UNTIL are mutually exclusive".to_owned()));
    }
    let selects_days = |name: &str| name.starts_with("BY") && name != "BYSETPOS";
    if has("BYSETPOS") && !parts.iter().any(|(name, _)| selects_days(name)) {
        return Err(invalid(
            "BYSETPOS needs another part to select from".to_owned(),
        ));
    }
    let mut rule = Rule::of(frequency);
    for (name, value) in &parts {
        set_part(&mut rule, name, value)?;
    }
    check_ordinals(&rule)?;
    if rule.until.is_some_and(|until| until < first) {
        return Err(invalid("UNTIL is before the start".to_owned()));
    }
    rule.complete(start.date());
    Ok(rule)
}

/// Checks the ordinals of weekdays. They are allowed in months, and in years without weeks.
fn check_ordinals(rule: &Rule) -> Result<(), ValueError> {
    let max = match rule.frequency {
        Frequency::Monthly => 5,
        Frequency::Yearly if rule.weeks.is_empty() => 53,
        _ => 0,
    };
    let mut ordinals = rule.days.iter().filter_map(|day| day.ordinal);
    match ordinals.find(|ordinal| ordinal.abs() > max) {
        None => Ok(()),
        Some(_) if max == 0 => Err(invalid(
            "BYDAY accepts numbers only with FREQ=MONTHLY, or with FREQ=YEARLY without BYWEEKNO"
                .to_owned(),
        )),
        Some(ordinal) => Err(invalid(format!(
            "the number {ordinal} of BYDAY is out of range: the largest is {max}"
        ))),
    }
}

/// The names and values of a rule, each name once.
fn parts(text: &str) -> Result<Vec<(&str, &str)>, ValueError> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return Err(invalid(format!("{part:?} is not of the form NAME=VALUE")));
        };
        if parts.iter().any(|(other, _)| *other == name) {
            return Err(invalid(format!("{name} was given twice")));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

fn set_part(rule: &mut Rule, name: &str, value: &str) -> Result<(), ValueError> {
    match name {
        "FREQ" => {}
        "INTERVAL" => rule.interval = number(name, value, 1..=1000)?,
        "COUNT" => rule.count = Some(number(name, value, 1..=10_000)?),
        "UNTIL" => rule.until = Some(until(value)?),
        "WKST" => rule.week_start = weekday(value)?,
        "BYMONTH" => rule.months = numbers(name, value, 1..=12)?,
        "BYMONTHDAY" if rule.frequency != Frequency::Weekly => {
            rule.month_days = signed(name, value, 31)?;
        }
        "BYYEARDAY" if rule.frequency == Frequency::Yearly => {
            rule.year_days = signed(name, value, 366)?;
        }
        "BYWEEKNO" if rule.frequency == Frequency::Yearly => rule.weeks = signed(name, value, 53)?,
        "BYSETPOS" => rule.positions = signed(name, value, 366)?,
        "BYDAY" => {
            let days: Result<Vec<Day>, ValueError> = value.split(',').map(day).collect();
            rule.days = days?;
        }
        "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
            return Err(invalid(format!(
                "the time of day is that of the start; leave {name} out"
            )));
        }
        _ => return Err(invalid(format!("{name:?} is not allowed in this rule"))),
    }
    Ok(())
}

/// Parses UNTIL, which RFC 5545 (section 3.3.10) requires in UTC when the start has a time zone.
fn until(value: &str) -> Result<DateTime<Utc>, ValueError> {
    NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ")
        .ok()
        .filter(|time| time.format("%Y%m%dT%H%M%SZ").to_string() == value)
        .map(|time| time.and_utc())
        .ok_or_else(|| invalid("UNTIL must be a time in UTC, such as 20261218T160000Z".to_owned()))
}

/// Parses a weekday with an optional ordinal: `MO`, `2MO` or `-1MO`.
fn day(text: &str) -> Result<Day, ValueError> {
    let name = text.get(text.len().saturating_sub(2)..).unwrap_or(text);
    let weekday = weekday(name)?;
    let ordinal = match text.strip_suffix(name).unwrap_or_default() {
        "" => None,
        ordinal => Some(signed_one("BYDAY", ordinal, 53)?),
    };
    Ok(Day { weekday, ordinal })
}

fn weekday(text: &str) -> Result<Weekday, ValueError> {
    let days = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    days.into_iter()
        .find(|day| name_of(*day) == text)
        .ok_or_else(|| {
            invalid(format!(
                "{text:?} is not a day: use MO, TU, WE, TH, FR, SA or SU"
            ))
        })
}

fn name_of(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

/// Parses an unsigned number.
fn number<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, ValueError> {
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            invalid(format!(
                "{name} must be between {} and {}",
                range.start(),
                range.end()
            ))
        })
}

fn numbers<T: FromStr + PartialOrd + std::fmt::Display + Clone>(
    name: &str,
    text: &str,
    range: RangeInclusive<T>,
) -> Result<Vec<T>, ValueError> {
    text.split(',')
        .map(|one| number(name, one, range.clone()))
        .collect()
}

/// Parses numbers from 1 to a maximum, or from -1 down to its negative.
fn signed(name: &str, text: &str, max: i32) -> Result<Vec<i32>, ValueError> {
    text.split(',')
        .map(|one| signed_one(name, one, max))
        .collect()
}

fn signed_one(name: &str, text: &str, max: i32) -> Result<i32, ValueError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let ordinal = number(name, digits, 1..=max)?;
    Ok(if text.starts_with('-') {
        -ordinal
    } else {
        ordinal
    })
}

fn invalid(reason: String) -> ValueError {
    (
        "invalid_rule",
        format!("Must be a valid recurrence rule: {reason}."),
    )
}
