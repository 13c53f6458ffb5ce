//! The normal form of text: composed (NFC), without invisible characters and without characters
//! that change the order of display. Other kinds of values have modules of their own.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use crate::values::field_error::ValueError;

/// Checks one line of text: a name, a title, a place.
pub(crate) fn line(text: &str, min: usize, max: usize) -> Result<String, ValueError> {
    let text = trimmed(text);
    if text.chars().any(|c| ends_line(c) || overrides_direction(c)) {
        return refused(
            "invalid_text",
            "Must be a single line of text without line breaks, tabs or other control characters.",
        );
    }
    visible(&text)?;
    of_length(text, min, max)
}

/// Checks several lines of text: a note, a message.
pub(crate) fn lines(text: &str, min: usize, max: usize) -> Result<String, ValueError> {
    let text = trimmed(text);
    printable(&text)?;
    visible(&text)?;
    of_length(text, min, max)
}

/// Checks a secret that no person types, which is kept exactly as it came.
pub(crate) fn secret(text: &str, min: usize, max: usize) -> Result<String, ValueError> {
    printable(text)?;
    of_length(Cow::Borrowed(text), min, max)
}

/// Normalises a password. Systems differ in the number of characters and in the width with which
/// they encode the same keys. RFC 8265 asks for NFC; NFKC also unites the widths of East Asian
/// keyboards, as NIST SP 800-63B advises. All kinds of spaces become the same space.
pub(crate) fn password(text: &str, min: usize, max: usize) -> Result<String, ValueError> {
    let text = match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => {
            let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
            // This is the only space that NFKC leaves as it is.
            Cow::Owned(composed.replace('\u{1680}', " "))
        }
    };
    printable(&text)?;
    of_length(text, min, max)
}

/// Returns the text composed (NFC), so that the same letters are the same bytes.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns true if the character is visible on its own.
pub(crate) fn is_visible(c: char) -> bool {
    const IGNORABLE: icu_properties::CodePointSetDataBorrowed<'static> =
        CodePointSetData::new::<DefaultIgnorableCodePoint>();
    // The Braille pattern without a dot looks like a blank.
    !c.is_control() && !c.is_whitespace() && c != '\u{2800}' && !IGNORABLE.contains(c)
}

/// Returns the text composed and without the blanks around it, some of which have no width.
fn trimmed(text: &str) -> Cow<'_, str> {
    let is_blank =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    match composed(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_blank)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_blank).to_owned()),
    }
}

/// Returns true for control characters and for the separators of Unicode.
fn ends_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns true for embeddings, overrides and isolates, which also affect the text after them. The
/// marks that Arabic and Hebrew need between words do not, and joiners belong to the spelling of
/// several languages and of emoji.
fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn printable(text: &str) -> Result<(), ValueError> {
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')
    {
        return refused("invalid_text", "Must not contain control characters.");
    }
    Ok(())
}

fn visible(text: &str) -> Result<(), ValueError> {
    if text.is_empty() || text.chars().any(is_visible) {
        return Ok(());
    }
    refused(
        "invisible_text",
        "Must contain at least one visible character.",
    )
}

fn of_length(text: Cow<'_, str>, min: usize, max: usize) -> Result<String, ValueError> {
    let length = text.chars().count();
    if length < min {
        let noun = if min == 1 { "character" } else { "characters" };
        return refused("too_short", format!("Must have at least {min} {noun}."));
    }
    if length > max {
        return refused("too_long", format!("Must have at most {max} characters."));
    }
    Ok(text.into_owned())
}

fn refused<T>(code: &'static str, detail: impl Into<String>) -> Result<T, ValueError> {
    Err((code, detail.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(checked: Result<String, ValueError>) -> &'static str {
        checked.expect_err("it is refused").0
    }

    #[test]
    fn names_that_people_have_are_kept() {
        for name in [
            "Seán O'Brien",
            "محمد بن سلمان",
            "שרה כהן",
            "山田 太郎",
            "👩\u{200d}🏫 Ms Emoji",
            // The words contain a joiner, a non-joiner and a mark of direction.
            "ක්\u{200d}රිස්",
            "می\u{200c}خواهم",
            "שרה\u{200f} (א)",
            "X Æ A-12",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        ] {
            assert_eq!(line(name, 1, 200).as_deref(), Ok(name));
        }
    }

    #[test]
    fn one_line_has_neither_breaks_nor_overrides() {
        for text in [
            "Ana\nBcc: eve@example.org",
            "Ana\r\nMore",
            "Tab\tbed",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{0}",
            "a\u{7f}",
            "\u{202e}evil",
            "a\u{202a}b\u{202c}",
            "a\u{2066}b\u{2069}",
        ] {
            assert_eq!(code(line(text, 1, 200)), "invalid_text", "{text:?}");
        }
        assert_eq!(
            lines("a\nb\tc\u{202b}d", 1, 9).as_deref(),
            Ok("a\nb\tc\u{202b}d")
        );
        assert_eq!(code(lines("a\u{1b}", 1, 9)), "invalid_text");
    }

    #[test]
    fn invisible_characters_are_no_text() {
        for text in ["", "   ", "\u{200b}", "\u{ad}", "\u{feff}\u{a0}\u{2060}"] {
            assert_eq!(code(line(text, 1, 200)), "too_short", "{text:?}");
        }
        for text in [
            "\u{2060}\u{200d}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{180e}",
            "\u{fe0f}",
            "\u{200e} \u{200f}",
        ] {
            assert_eq!(code(line(text, 1, 200)), "invisible_text", "{text:?}");
            assert_eq!(code(lines(text, 1, 200)), "invisible_text", "{text:?}");
        }
        assert_eq!(line(" \u{200b}Ana\u{feff} ", 1, 200).as_deref(), Ok("Ana"));
    }

    #[test]
    fn the_same_letters_are_the_same_text() {
        for name in ["Zoë Núñez-Ångström", "Nguyễn", "が"] {
            let apart: String = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd()
                .normalize(name)
                .into_owned();
            assert_ne!(apart, name);
            assert_eq!(line(&apart, 1, 200).as_deref(), Ok(name));
            // The composed characters are counted.
            assert!(line(&apart, 1, name.chars().count()).is_ok());
        }
    }

    #[test]
    fn a_password_is_the_same_on_every_keyboard() {
        let one = password("Über-größe é １２ｱ", 12, 128).unwrap();
        for other in [
            "U\u{308}ber-gro\u{308}ße e\u{301} １２ｱ",
            "Über-größe\u{a0}é\u{3000}12ア",
            "Über-größe\u{1680}é\u{2003}１２ア",
        ] {
            assert_eq!(password(other, 12, 128).unwrap(), one);
        }
        // The password is neither trimmed nor changed in case.
        assert_eq!(password(" Aa ", 1, 9).as_deref(), Ok(" Aa "));
        // One character that NFKC expands to eighteen counts as eighteen.
        assert_eq!(code(password(&"\u{fdfa}".repeat(8), 12, 128)), "too_long");
        assert_eq!(code(password("e\u{301}", 2, 128)), "too_short");
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_normal_form(text in "(\\PC|[ \\u{300}-\\u{320}\\u{1100}-\\u{1180}\\u{200b}\\u{feff}]){0,12}") {
            for check in [line, lines, password] {
                if let Ok(normal) = check(&text, 0, 500) {
                    prop_assert_eq!(check(&normal, 0, 500), Ok(normal));
                }
            }
        }
    }
}
