//! Checks values that are written as text, in a body, a query or a CSV cell, and returns their
//! normal form. The forms themselves are in `crate::values`.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::declare::field::Kind;
use crate::values::field_error::ValueError;
use crate::values::{email, money, zones};
use crate::values::{phone, text};

/// The years in which dates and times may lie.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// The maximum length of a language tag, in bytes (RFC 5646, section 4.4.1).
const MAX_TAG_BYTES: usize = 35;

/// The length of a UUID in its hyphenated form, in bytes.
const UUID_BYTES: usize = 36;

/// Checks a value that is written as text and returns its normal form, which is its own normal
/// form.
///
/// # Errors
///
/// The code and the sentence that describe the error.
pub fn scalar(kind: Kind, text: &str) -> Result<String, ValueError> {
    match kind {
        Kind::Text { min, max } => text::line(text, min, max),
        Kind::Multiline { min, max } => text::lines(text, min, max),
        Kind::Secret { min, max } => text::secret(text, min, max),
        Kind::Password { min, max } => text::password(text, min, max),
        Kind::Email => email::normalize(text).ok_or_else(|| {
            (
                "invalid_email",
                "Must be an e-mail address, such as ana@example.org.".to_owned(),
            )
        }),
        Kind::Phone => phone::normalize(text),
        Kind::Slug => slug(text),
        Kind::OneOf(values) => {
            if values.contains(&text) {
                Ok(text.to_owned())
            } else {
                Err((
                    "not_allowed",
                    format!("Must be one of: {}.", values.join(", ")),
                ))
            }
        }
        Kind::Id | Kind::Reference(_) => id(text)
            .map(|id| id.to_string())
            .ok_or_else(|| ("invalid_id", "Must be a UUID.".to_owned())),
        Kind::Date => date(text),
        Kind::Time => time(text),
        Kind::LocalTime => local_time(text),
        Kind::TimeOfDay => time_of_day(text),
        Kind::Integer { min, max } => match text.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            _ => Err((
                "out_of_range",
                format!("Must be a whole number between {min} and {max}."),
            )),
        },
        Kind::Decimal { min, max, places } => match text.parse::<f64>() {
            Ok(number) => decimal(number, min, max, places).map(|number| number.to_string()),
            Err(_) => Err(decimal_expected(min, max, places)),
        },
        Kind::Money => money::amount(text),
        Kind::SignedMoney => money::signed(text),
        Kind::Boolean => match text {
            "true" | "false" => Ok(text.to_owned()),
            _ => Err(("wrong_type", "Must be true or false.".to_owned())),
        },
        Kind::TimeZone => zones::find(text)
            .map(|zone| zone.name().to_owned())
            .ok_or_else(|| {
                (
                    "unknown_time_zone",
                    "Must be an IANA time zone, such as Europe/London.".to_owned(),
                )
            }),
        Kind::Currency => {
            if money::digits(text).is_some() {
                Ok(text.to_owned())
            } else {
                Err((
                    "unknown_currency",
                    "Must be an ISO 4217 currency code, such as EUR.".to_owned(),
                ))
            }
        }
        Kind::Language => language(text.trim()),
        Kind::TextList { .. }
        | Kind::References { .. }
        | Kind::Languages
        | Kind::Object(_)
        | Kind::Rows(_)
        | Kind::Json { .. } => Err((
            "wrong_type",
            "A value of this kind cannot be written as text.".to_owned(),
        )),
    }
}

/// Parses a UUID in its hyphenated form. Braces, a prefix or missing hyphens are refused.
pub fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == UUID_BYTES)
}

/// Returns the number if it is within its bounds and has no more decimal places than allowed.
///
/// # Errors
///
/// The code and the sentence that describe what is expected.
pub fn decimal(number: f64, min: i32, max: i32, places: u8) -> Result<f64, ValueError> {
    let scale = 10f64.powi(i32::from(places));
    // The parser reads the text of such a number as the nearest float, which is compared here.
    let rounded = (number * scale).round() / scale;
    if (f64::from(min)..=f64::from(max)).contains(&number) && rounded == number {
        Ok(number)
    } else {
        Err(decimal_expected(min, max, places))
    }
}

fn decimal_expected(min: i32, max: i32, places: u8) -> ValueError {
    (
        "out_of_range",
        format!("Must be a number between {min} and {max} with at most {places} decimal places."),
    )
}

/// Checks the form of a well-formed BCP 47 tag: a language of letters, then subtags of letters and
/// digits.
fn language(tag: &str) -> Result<String, ValueError> {
    text::line(tag, 1, MAX_TAG_BYTES)?;
    let mut parts = tag.split('-');
    let language = parts.next().is_some_and(|part| {
        (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    let is_well_formed = language
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if is_well_formed {
        Ok(tag.to_owned())
    } else {
        Err((
            "invalid_language",
            "Must be a BCP 47 language tag, such as \"en\" or \"pt-BR\".".to_owned(),
        ))
    }
}

fn slug(text: &str) -> Result<String, ValueError> {
    let sound = (2..=63).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
    if sound {
        Ok(text.to_owned())
    } else {
        Err((
            "invalid_slug",
            "Must be 2 to 63 lower-case letters, digits and single hyphens.".to_owned(),
        ))
    }
}

fn date(text: &str) -> Result<String, ValueError> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|date| YEARS.contains(&date.year()))
        .map(|date| date.to_string())
        // `chrono` also accepts `2026-3-29`, signs and spaces, but the API has one form only.
        .filter(|normal| normal == text)
        .ok_or_else(|| {
            (
                "invalid_date",
                "Must be a date between 1900 and 2199, such as 2026-03-29.".to_owned(),
            )
        })
}

fn time(text: &str) -> Result<String, ValueError> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .ok()
        .filter(|time| YEARS.contains(&time.year()))
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
        .ok_or_else(|| {
            (
                "invalid_time",
                "Must be an RFC 3339 time, such as 2026-03-29T16:00:00Z.".to_owned(),
            )
        })
}

fn local_time(text: &str) -> Result<String, ValueError> {
    const FORM: &str = "%Y-%m-%dT%H:%M:%S";
    NaiveDateTime::parse_from_str(text, FORM)
        .ok()
        .filter(|time| YEARS.contains(&time.year()))
        .map(|time| time.format(FORM).to_string())
        .filter(|normal| normal == text)
        .ok_or_else(|| {
            (
                "invalid_local_time",
                "Must be a local date and time without an offset, such as 2026-03-29T16:00:00."
                    .to_owned(),
            )
        })
}

fn time_of_day(text: &str) -> Result<String, ValueError> {
    let is_time = NaiveTime::parse_from_str(text, "%H:%M")
        .is_ok_and(|time| time.format("%H:%M").to_string() == text);
    if is_time || text == "24:00" {
        return Ok(text.to_owned());
    }
    Err((
        "invalid_time_of_day",
        "Must be a time of day between 00:00 and 24:00, such as 16:00.".to_owned(),
    ))
}
