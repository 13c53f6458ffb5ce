//! RFC 5545 rules, read strictly: what a lenient reader would pass over is a mistake here, because lessons follow from it.
//!
//! The time of the day is the start's, so the parts for hours, minutes and seconds are not taken.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{Month, NaiveDateTime, TimeZone, Utc};
use platform::zones::Zone;
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Unvalidated, Weekday};

/// The code and the sentence that say what is wrong.
type Refusal = (&'static str, String);

/// Longest rule, in bytes.
const LONGEST: usize = 500;

/// Reads a rule whose first occurrence is the start; gives its series in the wall's time, as if that were UTC.
pub(super) fn parse(text: &str, start: NaiveDateTime, zone: Zone) -> Result<RRuleSet, Refusal> {
    if text.len() > LONGEST {
        return Err(refusal(format!("it is longer than {LONGEST} characters")));
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
        return Err(refusal("COUNT and UNTIL exclude each other".to_owned()));
    }
    let chooses = |name: &str| name.starts_with("BY") && name != "BYSETPOS";
    if has("BYSETPOS") && !parts.iter().any(|(name, _)| chooses(name)) {
        return Err(refusal(
            "BYSETPOS needs another part to choose from".to_owned(),
        ));
    }
    let mut rule = RRule::new(frequency);
    for (name, value) in &parts {
        rule = part(rule, frequency, name, value, zone)?;
    }
    let numbered = rule
        .get_by_weekday()
        .iter()
        .any(|day| matches!(day, NWeekday::Nth(..)));
    let may_number = match frequency {
        Frequency::Monthly => true,
        Frequency::Yearly => !has("BYWEEKNO"),
        _ => false,
    };
    if numbered && !may_number {
        return Err(refusal(
            "BYDAY takes numbers only in months, and in years without BYWEEKNO".to_owned(),
        ));
    }
    let start = rrule::Tz::UTC.from_utc_datetime(&start);
    let set = rule
        .build(start)
        .map_err(|error| refusal(error.to_string()))?;
    Ok(set.limit())
}

/// Names and values of a rule, each name once.
fn parts(text: &str) -> Result<Vec<(&str, &str)>, Refusal> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return Err(refusal(format!("{part:?} isn't of the form NAME=VALUE")));
        };
        if parts.iter().any(|(other, _)| *other == name) {
            return Err(refusal(format!("{name} comes twice")));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

fn part(
    rule: RRule<Unvalidated>,
    frequency: Frequency,
    name: &str,
    value: &str,
    zone: Zone,
) -> Result<RRule<Unvalidated>, Refusal> {
    Ok(match name {
        "FREQ" => rule,
        "INTERVAL" => rule.interval(number(name, value, 1..=1000)?),
        "COUNT" => rule.count(number(name, value, 1..=10_000)?),
        "UNTIL" => rule.until(until(value, zone)?),
        "WKST" => rule.week_start(weekday(value)?),
        "BYMONTH" => {
            let months: Vec<Month> = numbers(name, value, 1..=12u8)?
                .into_iter()
                .filter_map(|month| Month::try_from(month).ok())
                .collect();
            rule.by_month(&months)
        }
        "BYMONTHDAY" if frequency != Frequency::Weekly => {
            rule.by_month_day(signed(name, value, 31)?)
        }
        "BYYEARDAY" if frequency == Frequency::Yearly => {
            rule.by_year_day(signed(name, value, 366)?)
        }
        "BYWEEKNO" if frequency == Frequency::Yearly => rule.by_week_no(signed(name, value, 53)?),
        "BYSETPOS" => rule.by_set_pos(signed(name, value, 366)?),
        "BYDAY" => {
            let days: Result<Vec<NWeekday>, Refusal> = value.split(',').map(numbered_day).collect();
            rule.by_weekday(days?)
        }
        "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
            return Err(refusal(format!(
                "the time of the day is the start's; leave {name} out"
            )));
        }
        _ => return Err(refusal(format!("{name:?} has no place in this rule"))),
    })
}

/// The last time, in the wall's time: RFC 5545 (section 3.3.10) wants it in UTC where the start has a zone.
fn until(value: &str, zone: Zone) -> Result<chrono::DateTime<rrule::Tz>, Refusal> {
    let time = NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ")
        .ok()
        .filter(|time| time.format("%Y%m%dT%H%M%SZ").to_string() == value)
        .ok_or_else(|| {
            refusal("UNTIL must be a time in UTC, such as 20261218T160000Z".to_owned())
        })?;
    let wall = Utc
        .from_utc_datetime(&time)
        .with_timezone(&zone)
        .naive_local();
    Ok(rrule::Tz::UTC.from_utc_datetime(&wall))
}

/// `MO`, `2MO` or `-1MO`.
fn numbered_day(text: &str) -> Result<NWeekday, Refusal> {
    let day = text
        .get(text.len().saturating_sub(2)..)
        .map_or_else(|| weekday(text), weekday)?;
    match text.strip_suffix(name_of(day)) {
        Some("") => Ok(NWeekday::Every(day)),
        Some(place) => signed_one("BYDAY", place, 53).map(|place| NWeekday::Nth(place, day)),
        None => weekday(text).map(NWeekday::Every),
    }
}

fn weekday(text: &str) -> Result<Weekday, Refusal> {
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
        .ok_or_else(|| refusal(format!("{text:?} is no day: MO, TU, WE, TH, FR, SA or SU")))
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
) -> Result<T, Refusal> {
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
) -> Result<Vec<T>, Refusal> {
    text.split(',')
        .map(|one| number(name, one, range.clone()))
        .collect()
}

/// Numbers from 1 up to the most, or as many counted from the end.
fn signed<T: TryFrom<i16>>(name: &str, text: &str, most: i16) -> Result<Vec<T>, Refusal> {
    text.split(',')
        .map(|one| {
            let place = signed_one(name, one, most)?;
            T::try_from(place).map_err(|_| refusal(format!("{name} is out of range")))
        })
        .collect()
}

fn signed_one(name: &str, text: &str, most: i16) -> Result<i16, Refusal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let place = number(name, digits, 1..=most)?;
    Ok(if text.starts_with('-') { -place } else { place })
}

fn refusal(what: String) -> Refusal {
    (
        "invalid_rule",
        format!("This isn't a recurrence rule that is understood: {what}."),
    )
}
