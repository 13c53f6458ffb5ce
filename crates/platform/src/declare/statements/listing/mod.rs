//! Lists: the query's parameters, and the SQL that answers them by keyset, stable under inserts.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::auth::policy::Grant;
use crate::declare::field::{Field, Kind};
use crate::declare::query::{self, ParameterError};
use crate::declare::resource::Resource;
use crate::declare::statements::cursor::{self, SortKey};
use crate::declare::statements::filter::{Filter, Operator};
use crate::declare::statements::projection::{self, Indent};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::sql::statement::{Sql, Statement};
use crate::values::collation;
use crate::values::field_error::FieldError;

/// How many rows a page has when the client doesn't say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_ROWS: u32 = 200;
/// Most sort keys that a client can name.
const MAX_SORT_KEYS: usize = 3;
/// Newest first.
const DEFAULT_SORT: &str = "-created_at";

/// Positions in the cursor's list of keys, as SQL; one more than clients can name, for the id.
const POSITIONS: [&str; MAX_SORT_KEYS + 1] = ["0", "1", "2", "3"];

/// What a list is asked for.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Most rows, where the client says so.
    pub limit: Option<u32>,
    /// The order as the client wrote it.
    pub sort: String,
    /// The order, ending with the id so that it is total.
    pub keys: Vec<SortKey>,
    /// Conditions.
    pub filters: Vec<Filter>,
    /// The keys behind which to go on.
    pub after: Option<Value>,
    /// Whether deleted rows are listed too.
    pub include_deleted: bool,
    /// Whether all rows that match are counted.
    pub count: bool,
    /// The order of letters.
    collation: &'static str,
}

impl Listing {
    /// Reads the query of a list.
    ///
    /// # Errors
    ///
    /// 400 with every parameter that is unknown or can't be parsed.
    pub fn parse(
        request: &Request,
        resource: &Resource,
        grant: &Grant,
    ) -> Result<Listing, Problem> {
        let mut listing = Listing {
            limit: None,
            sort: DEFAULT_SORT.to_owned(),
            keys: Vec::new(),
            filters: Vec::new(),
            after: None,
            include_deleted: false,
            count: false,
            collation: collation::ROOT,
        };
        let mut cursor = None;
        let mut errors = query::read(request, |name, value| {
            if name == "cursor" {
                cursor = Some(value);
                return Ok(());
            }
            listing.set(name, &value, resource, grant)
        });
        match sort_keys(&listing.sort, resource, grant) {
            Ok(keys) => listing.keys = keys,
            Err(detail) => errors.push(FieldError::parameter("sort", "not_allowed", detail)),
        }
        if let Some(text) = cursor
            && errors.is_empty()
        {
            listing.after = cursor::decode(&text, &listing.sort, &listing.keys);
            if listing.after.is_none() {
                errors.push(FieldError::parameter(
                    "cursor",
                    "invalid_cursor",
                    "The cursor does not belong to this list in this order. Start again without a cursor.",
                ));
            }
        }
        if errors.is_empty() {
            Ok(listing)
        } else {
            Err(Problem::malformed(errors))
        }
    }

    /// The list sorted by the letters of a language.
    pub(crate) fn in_language(mut self, tag: Option<&str>) -> Listing {
        self.collation = collation::of_language(tag);
        self
    }

    fn set(
        &mut self,
        name: &str,
        value: &str,
        resource: &Resource,
        grant: &Grant,
    ) -> Result<(), ParameterError> {
        match name {
            "limit" => match value.parse() {
                Ok(limit) if (1..=MAX_ROWS).contains(&limit) => self.limit = Some(limit),
                _ => {
                    return Err((
                        "out_of_range",
                        format!("Must be a whole number between 1 and {MAX_ROWS}."),
                    ));
                }
            },
            "sort" => self.sort = value.to_owned(),
            "count" if value == "exact" => self.count = true,
            "count" => return Err(("not_allowed", "Must be `exact`.".to_owned())),
            "include_deleted" if grant.role.reads_history() => match value {
                "true" => self.include_deleted = true,
                "false" => self.include_deleted = false,
                _ => return Err(("wrong_type", "Must be true or false.".to_owned())),
            },
            _ => {
                let filter = filter(name, value, resource, grant)?;
                // `status` and `status.eq` are one filter under two names.
                if self
                    .filters
                    .iter()
                    .any(|earlier| earlier.key() == filter.key())
                {
                    return Err(("duplicate", "The filter was given twice.".to_owned()));
                }
                self.filters.push(filter);
            }
        }
        Ok(())
    }

    /// The arguments of the statement of a page.
    pub fn arguments(&self) -> Map<String, Value> {
        self.arguments_limited(Some(self.limit.unwrap_or(DEFAULT_LIMIT)))
    }

    /// The arguments of the statement of a file, which is whole unless the client sets a limit.
    pub fn file_arguments(&self) -> Map<String, Value> {
        self.arguments_limited(self.limit)
    }

    fn arguments_limited(&self, limit: Option<u32>) -> Map<String, Value> {
        let filters: Map<String, Value> = self
            .filters
            .iter()
            .map(|filter| (filter.key(), filter.value.clone()))
            .collect();
        let mut arguments = Map::new();
        arguments.insert("limit".to_owned(), json!(limit));
        arguments.insert("sort".to_owned(), json!(self.sort));
        arguments.insert("filters".to_owned(), Value::Object(filters));
        arguments.insert("after".to_owned(), json!(self.after));
        arguments
    }

    /// The statement of a page.
    pub fn statement(&self, resource: &Resource, grant: &Grant) -> Statement {
        let mut sql = Sql::named(resource.table, "list");
        sql.push("with page as (\n  select\n    ");
        sql.append(&projection::object(resource, grant, Indent::Two));
        sql.push(" as item,\n    json_build_array(");
        for (index, key) in self.keys.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            if let Some(column) = key.field.sort_column {
                sql.push("r.").push(column);
            } else {
                projection::value(&mut sql, key.field);
            }
            sql.push("::text");
        }
        sql.push(") as keys");
        self.rows(&mut sql, resource, grant);
        sql.push(" + 1\n)");
        if self.count {
            sql.push(", counted as (\n  select count(*) as total");
            self.source(&mut sql, resource, grant);
            sql.push("\n)");
        }
        sql.push(
            ", numbered as (
  select
    item,
    keys,
    row_number() over () as position
  from page
), finished as (
  select
    item,
    position,
    position = ($1->>'limit')::integer and lead(position) over () is not null as more,
    case
      when position = ($1->>'limit')::integer
      then lms.cursor($1->>'sort', keys)
    end as cursor
  from numbered
)
select
  '{\"data\":[' || coalesce(string_agg(item, ',') filter (where position <= ($1->>'limit')::integer), '')
    || '],\"next_cursor\":' || coalesce('\"' || max(cursor) filter (where more) || '\"', 'null')",
        );
        if self.count {
            sql.push("\n    || ',\"count\":' || (select total from counted)");
        }
        sql.push(
            "
    || '}' as body,
  max(cursor) filter (where more) as tag
from finished",
        );
        match self.shape() {
            // The first page of all is a fixed statement of each role; filters and cursors make many.
            Some(("", false)) => sql.prepared(resource.name),
            Some(_) => sql.prepared_while_used(resource.name),
            None => sql.unprepared(),
        }
    }

    /// From `from` to `limit`: the rows that are asked for, in their order.
    pub(crate) fn rows(&self, sql: &mut Sql, resource: &Resource, grant: &Grant) {
        self.source(sql, resource, grant);
        self.behind_cursor(sql);
        sql.push("\n  order by ");
        for (index, key) in self.keys.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            self.sorted(sql, key);
            sql.push(if key.descending { " desc" } else { "" });
        }
        sql.push("\n  limit ($1->>'limit')::integer");
    }

    /// The shape, if it is one of the few for which statement and plan are kept: the field that it is
    /// filtered by, and whether it goes on behind a cursor.
    pub(crate) fn shape(&self) -> Option<(&'static str, bool)> {
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

    /// `from ... where ...` without the cursor's condition.
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

    /// The column of the row `r` by which the list is sorted, in its order.
    fn sorted(&self, sql: &mut Sql, key: &SortKey) {
        let (column, kind) = key.field.order_column();
        sql.push("r.").push(column);
        if kind.has_letters() {
            sql.push(" collate ").push(self.collation);
        }
    }

    /// The rows behind the cursor. With one direction for all keys an index answers the comparison of
    /// whole rows; mixed directions have to be spelled out.
    fn behind_cursor(&self, sql: &mut Sql) {
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

fn cursor_value(sql: &mut Sql, index: usize, key: &SortKey) {
    sql.push("($1->'after'->>")
        .push(POSITIONS[index])
        .push(")::")
        .push(key.field.order_column().1.sql_type());
}

/// Reads `field`, `field.operator`, `field.member.operator`; a field that the role can't read can't be asked for
/// either.
fn filter(
    name: &str,
    value: &str,
    resource: &Resource,
    grant: &Grant,
) -> Result<Filter, ParameterError> {
    let mut parts = name.split('.').peekable();
    let field = parts
        .next()
        .and_then(|name| {
            projection::common(resource, grant)
                .chain(projection::conditions(resource, grant))
                .find(|known| known.name == name)
        })
        .ok_or_else(query::unknown)?;
    let member = parts
        .peek()
        .and_then(|name| filterable_members(field).find(|member| member.name == *name));
    if member.is_some() {
        parts.next();
    }
    let suffix = parts.next().unwrap_or("eq");
    if parts.next().is_some() {
        return Err(query::unknown());
    }
    let target = member.unwrap_or(field);
    let operator = Operator::ALL
        .into_iter()
        .find(|operator| operator.name() == suffix && operator.fits(target))
        .filter(|operator| target.filterable || *operator == Operator::Has)
        .ok_or_else(query::unknown)?;
    Filter::parse(field, member, operator, value)
}

/// The members of the field's object that lists can be filtered by.
pub(crate) fn filterable_members(field: &Field) -> impl Iterator<Item = &'static Field> + use<> {
    let members: &[Field] = match field.kind {
        Kind::Object(members) => members,
        _ => &[],
    };
    members.iter().filter(|member| member.filterable)
}

fn sort_keys(sort: &str, resource: &Resource, grant: &Grant) -> Result<Vec<SortKey>, String> {
    let names: Vec<&str> = sort.split(',').collect();
    if names.len() > MAX_SORT_KEYS {
        return Err(format!("Must have at most {MAX_SORT_KEYS} fields."));
    }
    let mut keys: Vec<SortKey> = Vec::with_capacity(names.len() + 1);
    for name in names {
        let (bare, descending) = match name.strip_prefix('-') {
            Some(bare) => (bare, true),
            None => (name, false),
        };
        // The order by default is nobody's secret, even where the field itself is not shown.
        let field = resource
            .all_fields()
            .filter(|field| {
                sort == DEFAULT_SORT
                    || projection::common(resource, grant).any(|known| known.name == field.name)
            })
            .find(|field| field.sortable && field.name == bare)
            .filter(|field| keys.iter().all(|key| key.field.name != field.name))
            .ok_or_else(|| {
                let known: Vec<&str> = projection::common(resource, grant)
                    .filter(|field| field.sortable)
                    .map(|field| field.name)
                    .collect();
                format!(
                    "Must be a list of these fields, each at most once, with a leading `-` for descending order: {}.",
                    known.join(", ")
                )
            })?;
        keys.push(SortKey { field, descending });
    }
    let has_id = keys.iter().any(|key| key.field.name == "id");
    if let (false, Some(field), Some(last)) = (has_id, resource.field("id"), keys.last()) {
        let descending = last.descending;
        keys.push(SortKey { field, descending });
    }
    Ok(keys)
}
