//! Amounts of money: decimal text from the client to the database and back, never a float. Sums are
//! computed by the database.

use iso_currency::Currency;

use crate::values::field_error::ValueError;

/// The maximum number of digits before the decimal point.
const MAX_INTEGER_DIGITS: usize = 15;
/// The maximum number of digits after the decimal point, of any currency.
const MAX_FRACTION_DIGITS: usize = 4;

/// Checks an amount above zero.
///
/// # Errors
///
/// The code and the sentence that describe the error.
pub(crate) fn amount(text: &str) -> Result<String, ValueError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !is_decimal(unsigned) {
        return Err(expected());
    }
    let is_zero = unsigned.bytes().all(|byte| byte == b'0' || byte == b'.');
    if is_zero || unsigned.len() < text.len() {
        return Err(("out_of_range", "Must be greater than zero.".to_owned()));
    }
    Ok(text.to_owned())
}

/// Checks an amount that may be zero or negative.
///
/// # Errors
///
/// The code and the sentence that describe the error.
pub(crate) fn signed(text: &str) -> Result<String, ValueError> {
    if is_decimal(text.strip_prefix('-').unwrap_or(text)) {
        Ok(text.to_owned())
    } else {
        Err(expected())
    }
}

/// Returns the error of a value that is not an amount.
fn expected() -> ValueError {
    (
        "invalid_amount",
        format!(
            "Must be a decimal number as a string, such as \"125.50\", with at most {MAX_INTEGER_DIGITS} digits before the decimal \
             point and {MAX_FRACTION_DIGITS} after it."
        ),
    )
}

/// Returns true for digits without a redundant leading zero, optionally with a decimal point and
/// digits after it.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let are_digits = |digits: &str, max: usize| {
        (1..=max).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    are_digits(whole, MAX_INTEGER_DIGITS)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|fraction| are_digits(fraction, MAX_FRACTION_DIGITS))
}

/// Returns the number of digits that an amount of the currency has after the decimal point (ISO
/// 4217), or none for a code with which nobody pays, such as that of gold.
pub fn digits(currency: &str) -> Option<usize> {
    let digits = Currency::from_code(currency)?.exponent()?;
    Some(usize::from(digits))
}

/// Returns the error of an amount that has more digits after the decimal point than its currency;
/// none if it has not.
pub fn excess(amount: &str, currency: &str) -> Option<String> {
    let digits = digits(currency)?;
    let fraction = amount.split_once('.').map_or("", |(_, fraction)| fraction);
    let has_more = fraction.trim_end_matches('0').len() > digits;
    has_more.then(|| {
        format!(
            "An amount in {currency} must have at most {digits} digits after the decimal point."
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_a_decimal_number_above_zero() {
        for sound in [
            "125.50",
            "0.0001",
            "1",
            "999999999999999.9999",
            "10",
            "0.10",
        ] {
            assert_eq!(amount(sound).as_deref(), Ok(sound));
        }
        for (unsound, code) in [
            ("0", "out_of_range"),
            ("0.00", "out_of_range"),
            ("-5.00", "out_of_range"),
            ("-0", "out_of_range"),
            ("", "invalid_amount"),
            ("-", "invalid_amount"),
            (".5", "invalid_amount"),
            ("5.", "invalid_amount"),
            ("05", "invalid_amount"),
            ("+5", "invalid_amount"),
            ("1e3", "invalid_amount"),
            ("1,50", "invalid_amount"),
            ("1.50000", "invalid_amount"),
            ("1000000000000000", "invalid_amount"),
            ("NaN", "invalid_amount"),
            ("Infinity", "invalid_amount"),
            (" 5", "invalid_amount"),
            ("٥", "invalid_amount"),
        ] {
            assert_eq!(
                amount(unsound).map_err(|(code, _)| code),
                Err(code),
                "{unsound}"
            );
        }
    }

    #[test]
    fn a_sum_may_be_zero_or_below() {
        for sound in ["-12.50", "0", "0.00", "7"] {
            assert_eq!(signed(sound).as_deref(), Ok(sound));
        }
        for unsound in ["--1", "-", "1-", "-.5"] {
            assert!(signed(unsound).is_err(), "{unsound}");
        }
    }

    #[test]
    fn digits_are_those_of_the_currency() {
        for (currency, expected) in [
            ("EUR", Some(2)),
            ("JPY", Some(0)),
            ("KWD", Some(3)),
            ("CLF", Some(4)),
            ("XAU", None),
            ("XXX", None),
            ("EUX", None),
            ("eur", None),
        ] {
            assert_eq!(digits(currency), expected, "{currency}");
        }
    }

    #[test]
    fn zeros_at_the_end_are_no_excess() {
        for (amount, currency, is_excess) in [
            ("1.25", "EUR", false),
            ("1.2500", "EUR", false),
            ("1.255", "EUR", true),
            ("1", "JPY", false),
            ("1.0", "JPY", false),
            ("1.5", "JPY", true),
            ("1.255", "KWD", false),
            ("1.2551", "KWD", true),
        ] {
            assert_eq!(
                excess(amount, currency).is_some(),
                is_excess,
                "{amount} {currency}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_well_formed_amount_is_accepted_unchanged(
            whole in 0_u64..1_000_000_000_000_000,
            fraction in proptest::option::of("[0-9]{1,4}"),
        ) {
            let text = match fraction {
                Some(fraction) => format!("{whole}.{fraction}"),
                None => whole.to_string(),
            };
            prop_assert_eq!(signed(&text), Ok(text.clone()));
            let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
            prop_assert_eq!(amount(&text).is_ok(), !is_zero);
        }

        #[test]
        fn any_text_is_looked_at_without_a_crash(text in "\\PC{0,20}") {
            let _ = (amount(&text), signed(&text), excess(&text, "EUR"), digits(&text));
        }
    }
}
