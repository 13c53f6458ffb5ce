//! A list as CSV (RFC 4180): `GET` with `Accept: text/csv`, filtered and sorted like a page, but whole.

use std::borrow::Cow;

use crate::field::Kind;
use crate::listing::Listing;
use crate::policy::Grant;
use crate::projection;
use crate::resource::Resource;
use crate::sql::{Sql, Statement};

/// The characters by which spreadsheets know a formula, or that some of them pass over before one; full-width ones are
/// taken like the others where people write in Chinese or Japanese.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Returns whether the text begins like a formula, perhaps behind apostrophes. One behind apostrophes needs a guard
/// too, or it would be taken for a text that has one already.
fn is_guardable(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// A text as a cell that no spreadsheet takes for a formula, as `lms.csv_cell` guards it: for files that are
/// written from an answer. Numbers need no guard.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_guardable(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text of a cell, without the guard that an export put before it.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_guardable(text) => text,
        _ => cell,
    }
}

/// The statement whose answer is the file.
pub fn statement(listing: &Listing, resource: &Resource, grant: &Grant) -> Statement {
    let mut sql = Sql::named(resource.table, "export");
    sql.push("select\n  '");
    for (index, field) in projection::common(resource, grant).enumerate() {
        sql.push(if index == 0 { "" } else { "," }).push(field.name);
    }
    sql.push("' || E'\\r\\n' || coalesce(string_agg(line, ''), '') as body,\n  null::text as tag\nfrom (\n  select\n    ");
    for (index, field) in projection::common(resource, grant).enumerate() {
        sql.push(if index == 0 { "" } else { " || ',' ||\n    " });
        match field.kind {
            // These can't begin with a character that a spreadsheet takes for a formula, nor need quotes.
            Kind::Id
            | Kind::Reference(_)
            | Kind::Date
            | Kind::Boolean
            | Kind::Integer { .. }
            | Kind::Decimal { .. }
            | Kind::Money
            | Kind::SignedMoney => {
                sql.push("coalesce(r.").push(field.name).push("::text, '')");
            }
            Kind::Time => {
                sql.push("coalesce(lms.utc(r.")
                    .push(field.name)
                    .push("), '')");
            }
            _ => {
                sql.push("lms.csv_cell(r.").push(field.name).push("::text)");
            }
        }
    }
    sql.push(" || E'\\r\\n' as line");
    listing.rows(&mut sql, resource, grant);
    sql.push("\n) as lines");
    sql.unprepared()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::fixture::{ADMIN, LAMPS, TUTOR, request};

    fn text(grant: &Grant, query: &str) -> String {
        let listing = Listing::parse(&request(Method::GET, query), &LAMPS, grant).unwrap();
        statement(&listing, &LAMPS, grant).text
    }

    #[test]
    fn the_file_has_the_columns_that_are_read_in_every_row() {
        let header = "'id,name,owner_id,kind,watts,bought_on,tags,is_on,created_at,updated_at,created_by,updated_by,deleted_at'";
        assert!(text(&ADMIN, "/").contains(header));
        assert!(text(&TUTOR, "/").contains("'id,name,kind'"));
    }

    #[test]
    fn what_a_spreadsheet_could_take_for_a_formula_is_guarded() {
        let text = text(&ADMIN, "/");
        for guarded in ["name", "kind", "tags"] {
            assert!(
                text.contains(&format!("lms.csv_cell(r.{guarded}::text)")),
                "{guarded}"
            );
        }
        for plain in ["id", "watts", "bought_on", "is_on"] {
            assert!(
                text.contains(&format!("coalesce(r.{plain}::text, '')")),
                "{plain}"
            );
        }
        assert!(text.contains("coalesce(lms.utc(r.created_at), '')"));
    }

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
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

    #[test]
    fn filters_and_order_are_those_of_the_list() {
        let text = text(&ADMIN, "/?kind=desk&sort=name");
        assert!(text.contains("'kind.eq'"), "{text}");
        assert!(
            text.contains("order by r.name collate \"und-x-icu\", r.id\n"),
            "{text}"
        );
    }

    #[test]
    fn all_rows_are_exported_unless_a_limit_is_set() {
        for (query, limit) in [("/", Value::Null), ("/?limit=7", Value::from(7))] {
            let listing = Listing::parse(&request(Method::GET, query), &LAMPS, &ADMIN).unwrap();
            assert_eq!(listing.file_arguments()["limit"], limit);
            assert!(text(&ADMIN, query).contains("limit ($1->>'limit')::integer\n"));
        }
    }
}
