//! RFC 5545 rules, read strictly: what a lenient reader would pass over is a mistake here, because lessons follow from it.
//! The days that a rule makes are computed in [`super::series`].
//!
//! The time of the day is the start's, so the parts for hours, minutes and seconds are not taken.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc, Weekday};

/// The code and the sentence that say what is wrong.
type RuleError = (&'static str, String);

/// Longest rule, in bytes.
const MAX_RULE_CHARACTERS: usize = 500;

/// How long the interval is that a rule counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A weekday, and which one of its month or year, counted from the end when it is negative; every one without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) weekday: Weekday,
    pub(super) place: Option<i32>,
}

/// A rule as it was written, and with what the start adds to it: a part that is missing to tell the days is the start's
/// (RFC 5545, section 3.3.10).
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

    /// Takes from the start what the rule doesn't say: a week of the year without a day is the start's day of that week.
    fn complete(&mut self, start: NaiveDate) {
        if !(self.days.is_empty() && self.month_days.is_empty() && self.year_days.is_empty()) {
            return;
        }
        let weekday = Day {
            weekday: start.weekday(),
            place: None,
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

/// Reads a rule whose first occurrence is the start.
pub(super) fn parse(
    text: &str,
    start: NaiveDateTime,
    first: DateTime<Utc>,
) -> Result<Rule, RuleError> {
    if text.len() > MAX_RULE_CHARACTERS {
        return Err(refusal(format!(
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
            return Err(refusal(
                "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY".to_owned(),
            ));
        }
    };
    if has("COUNT") && has("UNTIL") {
        return Err(refusal("COUNT and UNTIL are mutually exclusive".to_owned()));
    }
    let chooses = |name: &str| name.starts_with("BY") && name != "BYSETPOS";
    if has("BYSETPOS") && !parts.iter().any(|(name, _)| chooses(name)) {
        return Err(refusal("BYSETPOS requires another BY part".to_owned()));
    }
    let mut rule = Rule::of(frequency);
    for (name, value) in &parts {
        part(&mut rule, name, value)?;
    }
    check_places(&rule)?;
    if rule.until.is_some_and(|until| until < first) {
        return Err(refusal("UNTIL is before the start".to_owned()));
    }
    rule.complete(start.date());
    Ok(rule)
}

/// Numbered days mean something in months, and in years without weeks.
fn check_places(rule: &Rule) -> Result<(), RuleError> {
    let most = match rule.frequency {
        Frequency::Monthly => 5,
        Frequency::Yearly if rule.weeks.is_empty() => 53,
        _ => 0,
    };
    let mut places = rule.days.iter().filter_map(|day| day.place);
    match places.find(|place| place.abs() > most) {
        None => Ok(()),
        Some(_) if most == 0 => Err(refusal(
            "BYDAY accepts numbers only with FREQ=MONTHLY, or with FREQ=YEARLY without BYWEEKNO"
                .to_owned(),
        )),
        Some(place) => Err(refusal(format!(
            "BYDAY must not have the number {place}: the highest is {most}"
        ))),
    }
}

/// Names and values of a rule, each name once.
fn parts(text: &str) -> Result<Vec<(&str, &str)>, RuleError> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return Err(refusal(format!("{part:?} must have the form NAME=VALUE")));
        };
        if parts.iter().any(|(other, _)| *other == name) {
            return Err(refusal(format!("{name} was given twice")));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

fn part(rule: &mut Rule, name: &str, value: &str) -> Result<(), RuleError> {
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
            let days: Result<Vec<Day>, RuleError> = value.split(',').map(numbered_day).collect();
            rule.days = days?;
        }
        "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
            return Err(refusal(format!(
                "{name} is not supported, because `start` sets the time of day"
            )));
        }
        _ => return Err(refusal(format!("{name:?} is not supported in this rule"))),
    }
    Ok(())
}

/// The last time: RFC 5545 (section 3.3.10) wants it in UTC where the start has a zone.
fn until(value: &str) -> Result<DateTime<Utc>, RuleError> {
    NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ")
        .ok()
        .filter(|time| time.format("%Y%m%dT%H%M%SZ").to_string() == value)
        .map(|time| time.and_utc())
        .ok_or_else(|| refusal("UNTIL must be a time in UTC, such as 20261218T160000Z".to_owned()))
}

/// `MO`, `2MO` or `-1MO`.
fn numbered_day(text: &str) -> Result<Day, RuleError> {
    let name = text.get(text.len().saturating_sub(2)..).unwrap_or(text);
    let weekday = weekday(name)?;
    let place = match text.strip_suffix(name).unwrap_or_default() {
        "" => None,
        place => Some(signed_one("BYDAY", place, 53)?),
    };
    Ok(Day { weekday, place })
}

fn weekday(text: &str) -> Result<Weekday, RuleError> {
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
            refusal(format!(
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

/// A number of digits alone.
fn number<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, RuleError> {
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            refusal(format!(
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
) -> Result<Vec<T>, RuleError> {
    text.split(',')
        .map(|one| number(name, one, range.clone()))
        .collect()
}

/// Numbers from 1 up to the most, or as many counted from the end.
fn signed(name: &str, text: &str, most: i32) -> Result<Vec<i32>, RuleError> {
    text.split(',')
        .map(|one| signed_one(name, one, most))
        .collect()
}

fn signed_one(name: &str, text: &str, most: i32) -> Result<i32, RuleError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let place = number(name, digits, 1..=most)?;
    Ok(if text.starts_with('-') { -place } else { place })
}

fn refusal(what: String) -> RuleError {
    (
        "invalid_rule",
        format!("Must be a supported recurrence rule: {what}."),
    )
}
