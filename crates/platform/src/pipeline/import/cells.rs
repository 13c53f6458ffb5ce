//! The meaning of an import's header and cells: the columns, and the checked values of a row. The
//! division of a file into records is in `records`.

use serde_json::{Map, Value};

use super::records;
use crate::auth::policy::{Fields, Grant};
use crate::declare::field::{Field, Kind};
use crate::declare::resource::Resource;
use crate::declare::statements::single_row;
use crate::declare::validation::{self, WriteMode};
use crate::http::problem::Problem;
use crate::values::field_error::{FieldError, MAX_ERRORS, MAX_NAME_CHARACTERS};
use crate::values::formula;

/// Returns true for the line `sep=,`, by which one spreadsheet tells another one the separator of
/// cells.
pub(super) fn names_separator(cells: &[&str]) -> bool {
    matches!(cells, [first, ""] if first.eq_ignore_ascii_case("sep="))
}

/// Returns the fields that the header names.
pub(super) fn columns(
    resource: &Resource,
    writes: Fields,
    row: u64,
    header: &[&str],
) -> Result<Vec<&'static Field>, Problem> {
    if header.iter().any(|name| name.contains('\0')) {
        // The file is a workbook, or text with two bytes for each letter.
        return Err(records::malformed(
            row,
            "is not text; save the file as CSV in UTF-8",
        ));
    }
    if let [only] = header {
        for (separator, noun) in [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")] {
            if only.contains(separator) {
                let what = format!("separates its cells with {noun}; save the file with commas");
                return Err(records::malformed(row, &what));
            }
        }
    }
    let known: Vec<&'static Field> = single_row::settable(resource)
        .filter(|field| writes.covers(field.name))
        .collect();
    let mut fields: Vec<&'static Field> = Vec::with_capacity(header.len());
    let names: Vec<&str> = known.iter().map(|field| field.name).collect();
    let names = names.join(", ");
    let mut errors = Vec::new();
    for name in header {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        let name = name.trim().to_lowercase();
        match known.iter().find(|field| field.name == name) {
            Some(field) if fields.iter().any(|earlier| earlier.name == name) => {
                errors.push(FieldError::new(
                    format!("/{row}/{}", field.name),
                    "duplicate",
                    "The column was given twice.",
                ));
            }
            Some(field) => fields.push(field),
            None => {
                let name: String = name.chars().take(MAX_NAME_CHARACTERS).collect();
                errors.push(FieldError::new(
                    format!("/{row}/{name}"),
                    "unknown_field",
                    format!("Unknown column. The columns are: {names}."),
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

/// Returns the checked values of a row.
pub(super) fn input(
    resource: &Resource,
    grant: &Grant,
    fields: &[&'static Field],
    cells: &[&str],
) -> Result<Map<String, Value>, Problem> {
    let mut object = Map::new();
    let mut unreadable = Vec::new();
    for (field, cell) in fields
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty())
    {
        match cell_value(field, cell) {
            Some(value) => {
                object.insert(field.name.to_owned(), value);
            }
            None => unreadable.push(FieldError::new(
                format!("/{}", field.name),
                "wrong_type",
                "The cell does not have a valid value for the column.",
            )),
        }
    }
    let checked = validation::body(
        single_row::settable(resource),
        grant.writes,
        WriteMode::Create,
        &object,
    );
    if unreadable.is_empty() {
        return resource.validated(WriteMode::Create, checked?);
    }
    // A cell that cannot be read is not missing, so the error of a missing value is left out.
    let others = checked.err().into_iter().flat_map(|problem| problem.errors);
    let mut errors = unreadable.clone();
    errors
        .extend(others.filter(|error| unreadable.iter().all(|cell| cell.pointer != error.pointer)));
    Err(Problem::invalid(errors))
}

/// Returns the JSON value of a cell, or none if it has none of the kind.
fn cell_value(field: &Field, cell: &str) -> Option<Value> {
    if field.kind.is_json() {
        return validation::parse_value(cell);
    }
    match field.kind {
        Kind::Decimal { .. } => cell.trim().parse::<f64>().ok().map(Value::from),
        Kind::Integer { .. } => cell.trim().parse::<i64>().ok().map(Value::from),
        Kind::Boolean => cell.trim().parse::<bool>().ok().map(Value::from),
        _ => Some(Value::from(formula::unguarded(cell))),
    }
}
