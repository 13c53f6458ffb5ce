//! Many rows from a CSV file (RFC 4180): all or none, with the first hundred errors.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::field::{Field, Kind};
use crate::policy::{Fields, Grant};
use crate::problem::{self, FieldError, LONGEST_NAME, MOST_ERRORS, Problem};
use crate::random;
use crate::resource::Resource;
use crate::sql::{Sql, Statement};
use crate::statements;
use crate::validation::{self, Purpose};

/// Reads the file into the statement's rows: `[{"id": ..., "row": 2, "input": {...}}, ...]`.
///
/// An empty cell leaves the field out; a cell of a list or an object is JSON. A leading apostrophe that
/// an export put in front of a formula is taken off.
///
/// # Errors
///
/// 400 when it is not CSV or has unknown columns; 422 with row, column and reason of what is not valid.
pub fn rows(resource: &Resource, grant: &Grant, file: &[u8]) -> Result<Vec<Value>, Problem> {
    let mut reader = csv::ReaderBuilder::new().from_reader(file);
    let fields = columns(resource, grant.writes, &mut reader)?;
    let mut rows = Vec::new();
    let mut errors = Vec::new();
    for (index, record) in reader.records().enumerate() {
        // The header is row 1, as spreadsheets count.
        let row = index + 2;
        let record = record.map_err(malformed)?;
        match input(resource, grant, &fields, &record) {
            Ok(input) => rows.push(json!({"id": random::id(), "row": row, "input": input})),
            Err(problem) => errors.extend(problem.errors.into_iter().map(|error| FieldError {
                pointer: format!("/{row}{}", error.pointer),
                ..error
            })),
        }
        if errors.len() >= MOST_ERRORS {
            break;
        }
    }
    if !errors.is_empty() {
        return Err(
            Problem::invalid(errors).detail("Nothing was imported; pointers are /row/column.")
        );
    }
    if rows.is_empty() {
        return Err(Problem::new(problem::Kind::Invalid).detail("The file has no rows."));
    }
    Ok(rows)
}

fn malformed(error: csv::Error) -> Problem {
    Problem::new(problem::Kind::Malformed).detail(format!("The file is not valid CSV: {error}."))
}

/// The fields that the header names.
fn columns(
    resource: &Resource,
    writes: Fields,
    reader: &mut csv::Reader<&[u8]>,
) -> Result<Vec<&'static Field>, Problem> {
    let header = reader.headers().map_err(malformed)?;
    let known: Vec<&'static Field> = statements::settable(resource)
        .filter(|field| writes.covers(field.name))
        .collect();
    let mut fields: Vec<&'static Field> = Vec::with_capacity(header.len());
    let names: Vec<&str> = known.iter().map(|field| field.name).collect();
    let names = names.join(", ");
    let mut errors = Vec::new();
    for name in header {
        if errors.len() >= MOST_ERRORS {
            break;
        }
        let name = name.trim_start_matches('\u{feff}').trim();
        match known.iter().find(|field| field.name == name) {
            Some(field) if fields.iter().any(|earlier| earlier.name == name) => {
                errors.push(FieldError::new(
                    format!("/1/{}", field.name),
                    "duplicate",
                    "This column came before.",
                ));
            }
            Some(field) => fields.push(field),
            None => {
                errors.push(FieldError::new(
                    format!("/1/{}", name.chars().take(LONGEST_NAME).collect::<String>()),
                    "unknown_field",
                    format!("The columns are: {names}."),
                ));
            }
        }
    }
    if errors.is_empty() {
        Ok(fields)
    } else {
        Err(Problem::malformed(errors))
    }
}

fn input(
    resource: &Resource,
    grant: &Grant,
    fields: &[&'static Field],
    record: &csv::StringRecord,
) -> Result<Map<String, Value>, Problem> {
    let mut object = Map::new();
    let mut unreadable = Vec::new();
    for (field, cell) in fields
        .iter()
        .zip(record)
        .filter(|(_, cell)| !cell.is_empty())
    {
        match cell_value(field, cell) {
            Some(value) => {
                object.insert(field.name.to_owned(), value);
            }
            None => unreadable.push(FieldError::new(
                format!("/{}", field.name),
                "wrong_type",
                "This cell can't be read as a value of the column.",
            )),
        }
    }
    let checked = validation::body(
        statements::settable(resource),
        grant.writes,
        Purpose::Create,
        &object,
    );
    if unreadable.is_empty() {
        return checked;
    }
    // A cell that can't be read is there, though its value isn't.
    let others = checked.err().into_iter().flat_map(|problem| problem.errors);
    let mut errors = unreadable.clone();
    errors
        .extend(others.filter(|error| unreadable.iter().all(|cell| cell.pointer != error.pointer)));
    Err(Problem::invalid(errors))
}

fn cell_value(field: &Field, cell: &str) -> Option<Value> {
    if field.kind.is_json() {
        return serde_json::from_str(cell).ok();
    }
    match field.kind {
        Kind::Integer { .. } => cell.trim().parse::<i64>().ok().map(Value::from),
        Kind::Boolean => cell.trim().parse::<bool>().ok().map(Value::from),
        _ => {
            let text = match cell.strip_prefix('\'') {
                Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
                _ => cell,
            };
            Some(Value::from(text))
        }
    }
}

/// Inserts the rows; with `dry_run` everything is rolled back and the answer says what would happen.
pub fn statement(resource: &Resource) -> Statement {
    let mut sql = Sql::named(resource.table, "import");
    sql.push("with made as (\n  insert into lms.")
        .push(resource.table)
        .push(" (id");
    for field in statements::settable(resource) {
        sql.push(", ").push(field.name);
    }
    sql.push(")\n  select\n    (one->>'id')::uuid");
    for field in statements::settable(resource) {
        sql.push(",\n    ");
        column(&mut sql, field);
    }
    sql.push(
        "
  from jsonb_array_elements($1->'rows') as one
  where (select lms.rows_checked($1->'rows', '",
    );
    sql.push(resource.table).push("', array[");
    let references = statements::settable(resource).filter_map(|field| match field.kind {
        Kind::Reference(table) => Some((field.name, table)),
        _ => None,
    });
    for (index, (name, table)) in references.enumerate() {
        sql.push(if index == 0 { "'" } else { ", '" })
            .push(name)
            .push(":")
            .push(table)
            .push("'");
    }
    sql.push(
        "]::text[]))
  returning id
)
select
  case
    when ($1->>'dry_run')::boolean
    then lms.dry_run(report)
    else report
  end as body,
  null::text as tag
from (
  select
    json_build_object(
      'dry_run', ($1->>'dry_run')::boolean,
      'created', (select count(*) from made),
      'rows', (
        select json_agg(json_build_object('row', one->'row', 'id', one->>'id', 'outcome', 'create'))
        from jsonb_array_elements($1->'rows') as one
      )
    )::text as report
) as done",
    );
    sql.prepared(resource.name)
}

fn column(sql: &mut Sql, field: &Field) {
    if field.kind.is_json() {
        sql.push("coalesce(nullif(one->'input'->'")
            .push(field.name)
            .push("', 'null'::jsonb), ")
            .push(field.default.unwrap_or("null"))
            .push(")");
    } else {
        sql.push("coalesce((one->'input'->>'")
            .push(field.name)
            .push("')::")
            .push(field.kind.sql_type())
            .push(", ")
            .push(field.default.unwrap_or("null"))
            .push(")");
    }
}
