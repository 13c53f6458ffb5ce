//! The SQL of a list: a page of rows after a cursor, stable under inserts (keyset pagination). The
//! parameters are parsed in the parent module.

use super::{DEFAULT_SORT, Listing, MAX_SORT_KEYS};
use crate::auth::policy::Grant;
use crate::declare::field::Kind;
use crate::declare::resource::Resource;
use crate::declare::statements::cursor::SortKey;
use crate::declare::statements::filter::Operator;
use crate::declare::statements::projection::{self, Indent};
use crate::sql::statement::{Sql, Statement};

/// The positions in the cursor's list of keys, as SQL. There is one more than clients can name, for
/// the id.
const POSITIONS: [&str; MAX_SORT_KEYS + 1] = ["0", "1", "2", "3"];

/// The columns of a page's keys, at the same positions.
const KEY_COLUMNS: [&str; MAX_SORT_KEYS + 1] = ["key_0", "key_1", "key_2", "key_3"];

impl Listing {
    /// Returns the statement of a page.
    pub fn statement(&self, resource: &Resource, grant: &Grant) -> Statement {
        let mut sql = Sql::named(resource.table, "list");
        sql.push("with page as (\n  select\n    ");
        sql.append(&projection::object(resource, grant, Indent::Two));
        sql.push(" as item");
        for (key, column) in self.keys.iter().zip(KEY_COLUMNS) {
            let (sorted, _) = key.field.order_column();
            sql.push(",\n    r.").push(sorted).push(" as ").push(column);
        }
        self.rows(&mut sql, resource, grant);
        sql.push(" + 1\n)");
        if self.count {
            sql.push(", counted as (\n  select count(*) as total");
            self.source(&mut sql, resource, grant);
            sql.push("\n)");
        }
        self.joined(&mut sql);
        sql.push(
            "
select
  concat('{\"data\":[', items, '],\"next_cursor\":', coalesce('\"' || cursor || '\"', 'null')",
        );
        if self.count {
            sql.push(", ',\"count\":', (select total from counted)");
        }
        sql.push(
            ", '}') as body,
  cursor as tag
from joined",
        );
        match self.cacheable_form() {
            // The first page has one fixed statement for each role; filters and cursors make many.
            Some(("", false)) => sql.prepared(resource.name),
            Some(_) => sql.prepared_while_used(resource.name),
            None => sql.unprepared(),
        }
    }

    /// Adds the rows of the page in one text, with the cursor of the last one if there are more. The
    /// keys of other rows are not written as JSON.
    fn joined(&self, sql: &mut Sql) {
        sql.push(
            ", numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(",
        );
        for (index, (key, column)) in self.keys.iter().zip(KEY_COLUMNS).enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            key_text(sql, key, column);
        }
        sql.push(
            "))
        end
      )
    end as cursor
  from numbered
)",
        );
    }

    /// Adds everything from `from` to `limit`: the requested rows in their order.
    pub(crate) fn rows(&self, sql: &mut Sql, resource: &Resource, grant: &Grant) {
        self.source(sql, resource, grant);
        self.after_cursor(sql);
        sql.push("\n  order by ");
        for (index, key) in self.keys.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            self.sorted(sql, key);
            sql.push(if key.descending { " desc" } else { "" });
        }
        sql.push("\n  limit ($1->>'limit')::integer");
    }

    /// Returns the form of the list, if it is one of the few for which statement and plan are kept:
    /// the field by which it is filtered, and whether it continues after a cursor.
    pub(crate) fn cacheable_form(&self) -> Option<(&'static str, bool)> {
        let field = match self.filters.as_slice() {
            [] => "",
            [filter]
                if filter.operator == Operator::Eq
                    && filter.member.is_none()
                    && filter.field.condition.is_none() =>
            {
                filter.field.name
            }
            _ => return None,
        };
        let is_common = self.sort == DEFAULT_SORT && !self.count && !self.include_deleted;
        is_common.then_some((field, self.after.is_some()))
    }

    /// Adds `from ... where ...` without the cursor's condition.
    fn source(&self, sql: &mut Sql, resource: &Resource, grant: &Grant) {
        sql.push("\n  from lms.")
            .push(resource.table)
            .push(" as r\n  where ")
            .push(if self.include_deleted {
                "true"
            } else {
                "r.deleted_at is null"
            });
        if let Some(condition) = grant.index_condition {
            sql.push("\n    and (").push(condition).push(")");
        }
        for filter in &self.filters {
            filter.condition(sql);
        }
    }

    /// Adds the column of the row `r` by which the list is sorted, in its order.
    fn sorted(&self, sql: &mut Sql, key: &SortKey) {
        let (column, kind) = key.field.order_column();
        sql.push("r.").push(column);
        if kind.has_letters() {
            sql.push(" collate ").push(self.collation);
        }
    }

    /// Adds the condition for the rows after the cursor. If all keys have the same direction, whole
    /// rows are compared, for which an index can be used; mixed directions need a condition for
    /// each key.
    fn after_cursor(&self, sql: &mut Sql) {
        if self.after.is_none() {
            return;
        }
        let descending = self.keys[0].descending;
        if self.keys.iter().all(|key| key.descending == descending) {
            sql.push("\n    and (");
            for (index, key) in self.keys.iter().enumerate() {
                sql.push(if index == 0 { "" } else { ", " });
                self.sorted(sql, key);
            }
            sql.push(if descending { ") < (" } else { ") > (" });
            for (index, key) in self.keys.iter().enumerate() {
                sql.push(if index == 0 { "" } else { ", " });
                cursor_value(sql, index, key);
            }
            sql.push(")");
            return;
        }
        sql.push("\n    and (");
        for last in 0..self.keys.len() {
            sql.push(if last == 0 { "(" } else { " or (" });
            for (index, key) in self.keys.iter().take(last + 1).enumerate() {
                sql.push(if index == 0 { "" } else { " and " });
                self.sorted(sql, key);
                sql.push(match (index == last, key.descending) {
                    (false, _) => " = ",
                    (true, true) => " < ",
                    (true, false) => " > ",
                });
                cursor_value(sql, index, key);
            }
            sql.push(")");
        }
        sql.push(")");
    }
}

/// Adds a key of the page's last row as the text that a cursor holds.
fn key_text(sql: &mut Sql, key: &SortKey, column: &'static str) {
    if matches!(key.field.order_column().1, Kind::Time) {
        sql.push("lms.utc(").push(column).push(")::text");
    } else {
        sql.push(column).push("::text");
    }
}

fn cursor_value(sql: &mut Sql, index: usize, key: &SortKey) {
    sql.push("($1->'after'->>")
        .push(POSITIONS[index])
        .push(")::")
        .push(key.field.order_column().1.sql_type());
}
