//! Exports a list as CSV (RFC 4180): `GET` with `Accept: text/csv`, filtered and sorted like a
//! page, but complete. Reading a file is in `pipeline::import`.

use crate::auth::policy::Grant;
use crate::declare::field::Kind;
use crate::declare::resource::Resource;
use crate::declare::statements::listing::Listing;
use crate::declare::statements::projection;
use crate::sql::statement::{Sql, Statement};

/// Returns the statement whose result is the file.
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
            // These kinds cannot begin with a character that a spreadsheet takes for a formula, and
            // need no quotes.
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
                sql.push("lms.csv_field(r.")
                    .push(field.name)
                    .push("::text)");
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
    use serde_json::Value;

    use super::*;
    use crate::fixture::{ADMIN, KEEPER, LAMPS, request};

    fn text(grant: &Grant, query: &str) -> String {
        let listing = Listing::parse(&request(Method::GET, query), &LAMPS, grant).unwrap();
        statement(&listing, &LAMPS, grant).text
    }

    #[test]
    fn the_file_has_the_columns_that_are_read_in_every_row() {
        let header = "'id,name,owner_id,kind,watts,bought_on,tags,is_on,created_at,updated_at,created_by,updated_by,deleted_at'";
        assert!(text(&ADMIN, "/").contains(header));
        assert!(text(&KEEPER, "/").contains("'id,name,kind'"));
    }

    #[test]
    fn texts_that_look_like_formulas_are_guarded() {
        let text = text(&ADMIN, "/");
        for guarded in ["name", "kind", "tags"] {
            assert!(
                text.contains(&format!("lms.csv_field(r.{guarded}::text)")),
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
