//! Lists: the parameters of the query. The SQL that selects the rows is in `sql`.

mod sql;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::auth::policy::Grant;
use crate::declare::field::{Field, Kind};
use crate::declare::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::declare::query;
use crate::declare::resource::Resource;
use crate::declare::statements::cursor::{self, SortKey};
use crate::declare::statements::filter::{Filter, Operator};
use crate::declare::statements::projection;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::values::collation;
use crate::values::field_error::{FieldError, ValueError};

/// The maximum number of sort keys that a client can name.
const MAX_SORT_KEYS: usize = 3;
/// The default order: newest first.
const DEFAULT_SORT: &str = "-created_at";

/// The parameters of a list.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The maximum number of rows, if the client gives it.
    pub limit: Option<u32>,
    /// The order as the client wrote it.
    pub sort: String,
    /// The order, ending with the id so that it is total.
    pub keys: Vec<SortKey>,
    /// The filters.
    pub filters: Vec<Filter>,
    /// The keys after which the list continues.
    pub after: Option<Value>,
    /// True if deleted rows are included.
    pub include_deleted: bool,
    /// True if all matching rows are counted.
    pub count: bool,
    /// The collation of texts.
    collation: &'static str,
}

impl Listing {
    /// Parses the query of a list.
    ///
    /// # Errors
    ///
    /// 400 with every parameter that is unknown or malformed.
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

    /// Sorts the list by the alphabet of a language.
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
    ) -> Result<(), ValueError> {
        match name {
            "limit" => match value.parse() {
                Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => self.limit = Some(limit),
                _ => {
                    return Err((
                        "out_of_range",
                        format!("Must be a whole number between 1 and {MAX_LIMIT}."),
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
                // `status` and `status.eq` are two names of the same filter.
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

    /// Returns the arguments of the statement of a page.
    pub fn arguments(&self) -> Map<String, Value> {
        self.arguments_limited(Some(self.limit.unwrap_or(DEFAULT_LIMIT)))
    }

    /// Returns the arguments of the statement of a file, which contains all rows unless the client
    /// sets a limit.
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
}

/// Parses `field`, `field.operator` or `field.member.operator`. Lists cannot be filtered by a field
/// that the role cannot read.
fn filter(
    name: &str,
    value: &str,
    resource: &Resource,
    grant: &Grant,
) -> Result<Filter, ValueError> {
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

/// Returns the members of the field's object by which lists can be filtered.
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
        // The default order is no secret, even if the field itself is hidden.
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
