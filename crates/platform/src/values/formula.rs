//! The apostrophe that keeps a spreadsheet from taking a cell for a formula. The database guards
//! the cells of an export itself (`lms.csv_field`), by the same rule.

use std::borrow::Cow;

/// The characters by which spreadsheets recognise a formula, or that some of them skip before one.
/// The full-width characters have the same meaning in Chinese and Japanese editions.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Returns true if the text begins like a formula, perhaps after apostrophes. A formula after
/// apostrophes needs a guard too, or it would look like a text that has one already.
fn is_guardable(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// Returns the text as a cell that no spreadsheet takes for a formula, as `lms.csv_field` guards
/// it, for files that are rendered from a result. Numbers need no guard.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_guardable(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the text of a cell, without the guard of an export.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_guardable(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_begins_like_a_formula_gets_an_apostrophe() {
        for text in [
            "=1+1", "+1", "-1", "@a", "\tx", "\rx", "＝1", "＋1", "－1", "＠a", "'=1", "''@a",
        ] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["", "1=1", " =1", "a-b", "'t Hooft", "''", "'"] {
            assert_eq!(guarded(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_text_that_is_exported_and_imported_is_the_same(text in "['=+@＝＠－ a\t-]{0,6}|\\PC{0,10}") {
            let cell = guarded(&text);
            prop_assert!(!cell.starts_with(FORMULA));
            prop_assert_eq!(unguarded(&cell), &text);
        }
    }
}
