//! Telephone numbers as people write them, and their normal form (E.164). The numbering plans are
//! those of the crate `phonelib`: the prefixes for national calls and the lengths of numbers.

use phonelib::PhoneNumber;

use crate::values::field_error::ValueError;

/// The number of digits in an international number, with its country code.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Returns the number in its normal form: `+44 (0)20 7946 0958` is `+442079460958`.
///
/// # Errors
///
/// The code and the sentence for a text that is not a number that can be dialled from every
/// country.
pub(crate) fn normalize(text: &str) -> Result<String, ValueError> {
    let written: String = text.trim().chars().map(plain).collect();
    // The crate also reads the letters of a keypad and extensions, by which a misspelt number would
    // become another one.
    let is_plain = written
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')'));
    PhoneNumber::try_parse(&written)
        .ok()
        .map(|number| number.e164().to_owned())
        .filter(|number| is_plain && DIGITS.contains(&(number.len() - 1)))
        .ok_or_else(|| {
            (
                "invalid_phone",
                "Must be a telephone number with a country code, such as +44 1632 960000."
                    .to_owned(),
            )
        })
}

/// Returns the ASCII character that is meant, because word processors and phones write hyphens,
/// spaces and digits in many forms.
fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{ff0b}' => '+',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        '\u{ff10}'..='\u{ff19}' => digit(c, '\u{ff10}'),
        '\u{0660}'..='\u{0669}' => digit(c, '\u{0660}'),
        '\u{06f0}'..='\u{06f9}' => digit(c, '\u{06f0}'),
        _ if c.is_whitespace() => ' ',
        _ => c,
    }
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for (text, expected) in [
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+44 020 7946 0958", "+442079460958"),
            ("(+44) 20 7946 0958", "+442079460958"),
            ("00442079460958", "+442079460958"),
            ("+44\u{a0}20\u{a0}7946\u{2011}0958", "+442079460958"),
            (" +４４ ２０ ７９４６ ０９５８ ", "+442079460958"),
            ("+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨", "+442079460958"),
            ("+49 (0) 30 901820", "+4930901820"),
            ("+33 (0)1 99 00 12 34", "+33199001234"),
            // Italy keeps its zero, and Russia's own prefix is an eight.
            ("+39 06 6988 4857", "+390669884857"),
            ("+7 8 495 123-45-67", "+74951234567"),
            ("+1.415.555.0132", "+14155550132"),
            ("+44 (1632) 960-000", "+441632960000"),
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_number_that_cannot_be_dialled_from_everywhere_is_refused() {
        for text in [
            "",
            "+",
            "020 7946 0958",
            "442079460958",
            "+0 123 456 789",
            "+4420794609580000",
            "+12345",
            "+44 20 7946 0958 ext 12",
            "+442079460958;ext=12",
            "+442079460958/2",
            "+44 20 7946 O958",
            "+1-800-FLOWERS",
            "+999 123 456",
            "+44 20 7946 0958 +1",
            "tel:+442079460958",
        ] {
            assert_eq!(normalize(text).unwrap_err().0, "invalid_phone", "{text}");
        }
    }
}
