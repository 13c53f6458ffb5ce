//! A list as CSV (RFC 4180), whole: `GET` with `Accept: text/csv`.

use crate::field::Kind;
use crate::listing::Listing;
use crate::policy::Grant;
use crate::projection;
use crate::resource::Resource;
use crate::sql::{Sql, Statement};

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
            Kind::Id | Kind::Reference(_) | Kind::Date | Kind::Boolean | Kind::Integer { .. } => {
                sql.push("coalesce(r.").push(field.name).push("::text, '')");
            }
            Kind::Time => {
                sql.push("coalesce(lms.utc(r.").push(field.name).push("), '')");
            }
            _ => {
                sql.push("lms.csv_cell(r.").push(field.name).push("::text)");
            }
        }
    }
    sql.push(" || E'\\r\\n' as line");
    listing.source(&mut sql, resource);
    sql.push("\n  order by r.created_at, r.id\n) as lines");
    sql.unprepared()
}
