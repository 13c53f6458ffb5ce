//! Many rows from a CSV file (RFC 4180), read as it arrives: all or none, with the first hundred errors.
//!
//! Of the file only the current record is held, and the rows as the text of the statement's argument.

mod records;
mod share;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::auth::policy::{Fields, Grant};
use crate::declare::field::{Field, Kind};
use crate::declare::resource::Resource;
use crate::declare::statements::import::MAX_IMPORT_ROWS;
use crate::declare::statements::single_row;
use crate::declare::validation::{self, WriteMode};
use crate::http::problem::{self, Problem};
use crate::sql::database::Client;
use crate::sql::error::QueryError;
use crate::values::field_error::{FieldError, MAX_ERRORS, MAX_NAME_CHARACTERS};
use crate::values::formula;
use crate::values::random;
use crate::values::zones;

use share::{MAX_ARGUMENT_BYTES, Share};

/// Up to here the argument's memory is doubled; a copy of half the largest beside it would be too much.
const MAX_DOUBLED_BYTES: usize = 4 * 1024 * 1024;

/// Reads a file into the argument of its statement:
/// `{"dry_run": false, "rows": [{"id": ..., "row": 2, "input": {...}}, ...]}`.
///
/// An empty cell leaves the field out; a cell of a list or an object is JSON. A leading apostrophe that
/// an export put in front of a formula is taken off. What spreadsheets add by themselves is passed over: capitals in the
/// header, empty rows and columns behind the others, and a line that names the separator.
pub struct Reader {
    resource: &'static Resource,
    grant: &'static Grant,
    records: records::Records,
    parsed: ParsedFile,
}

/// What a file has become.
pub struct ImportBatch {
    /// The argument of the statement.
    pub arguments: String,
    /// Where its rows stand.
    pub row_numbers: RowNumbers,
    /// The share of the instance's memory that it takes; to be held until the argument is gone.
    pub(crate) share: Share,
    /// The reader, when rows of it wait for time zones.
    waiting: Option<Box<Reader>>,
}

impl ImportBatch {
    /// The same once nothing waits for time zones any more.
    ///
    /// # Errors
    ///
    /// As for [`Reader::finish`], and a problem when the zones cannot be read.
    pub async fn settled(self, client: &Client<'_>) -> Result<ImportBatch, Problem> {
        let Some(mut reader) = self.waiting else {
            return Ok(self);
        };
        let (resource, grant) = (reader.resource, reader.grant);
        let fields = reader.parsed.columns.clone().unwrap_or_default();
        for (row, cells) in std::mem::take(&mut reader.parsed.waiting) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let read = client
                .with_zones(|| Ok(input(resource, grant, &fields, &cells)))
                .await?;
            reader.parsed.put(row, read)?;
        }
        reader.batch()
    }
}

/// Which row of the file each new id is: what the database refuses it names by id.
#[derive(Default)]
pub struct RowNumbers(Vec<(Uuid, u64)>);

impl RowNumbers {
    /// The failure, with the row of the file in front of the field when the database said which one it refuses.
    pub fn locate(&self, error: QueryError) -> QueryError {
        let QueryError::Refused(mut refusal) = error else {
            return error;
        };
        let refused = refusal.detail.as_deref().and_then(validation::id);
        let place = self.0.iter().find(|(id, _)| Some(*id) == refused);
        if let (Some((_, row)), Some(field)) = (place, &refusal.column) {
            refusal.column = Some(format!("{row}/{field}"));
        }
        QueryError::Refused(refusal)
    }
}

/// What has been read of the file.
struct ParsedFile {
    /// The fields that the header names; none until it has been read.
    columns: Option<Vec<&'static Field>>,
    rows: usize,
    arguments: String,
    share: Share,
    row_numbers: RowNumbers,
    errors: Vec<FieldError>,
    /// The cells of a row that asks for time zones that are not known yet, and of all rows behind it. The database is asked
    /// once the file is here.
    waiting: Vec<(u64, Vec<String>)>,
    /// Bytes that the waiting rows take.
    waiting_bytes: usize,
}

impl Reader {
    /// A reader of rows that the grant's role may make.
    pub fn new(resource: &'static Resource, grant: &'static Grant, dry_run: bool) -> Reader {
        Reader {
            resource,
            grant,
            records: records::Records::new(),
            parsed: ParsedFile {
                columns: None,
                rows: 0,
                arguments: format!("{{\"dry_run\":{dry_run},\"rows\":["),
                share: Share::default(),
                row_numbers: RowNumbers::default(),
                errors: Vec::new(),
                waiting: Vec::new(),
                waiting_bytes: 0,
            },
        }
    }

    /// Reads the next piece of the file.
    ///
    /// # Errors
    ///
    /// As soon as nothing that follows can make it better: 400 when it is not CSV or has unknown columns,
    /// 413 for too many rows, 422 for too many errors.
    pub fn take(&mut self, mut piece: &[u8]) -> Result<(), Problem> {
        while let Some(record) = self.records.next(&mut piece)? {
            self.parsed.take(self.resource, self.grant, record)?;
        }
        Ok(())
    }

    /// The statement's argument and its rows' row_numbers, once the file has come to its end.
    ///
    /// # Errors
    ///
    /// As for [`Reader::take`], and 422 with row, column and reason of what is not valid.
    pub fn finish(mut self) -> Result<ImportBatch, Problem> {
        if let Some(record) = self.records.finish()? {
            self.parsed.take(self.resource, self.grant, record)?;
        }
        if !self.parsed.waiting.is_empty() {
            return Ok(ImportBatch {
                arguments: String::new(),
                row_numbers: RowNumbers::default(),
                share: Share::default(),
                waiting: Some(Box::new(self)),
            });
        }
        self.batch()
    }

    fn batch(mut self) -> Result<ImportBatch, Problem> {
        if !self.parsed.errors.is_empty() {
            return Err(refused(self.parsed.errors));
        }
        if self.parsed.rows == 0 {
            return Err(
                Problem::new(problem::Kind::Invalid).detail("The file has no rows to import.")
            );
        }
        self.parsed.arguments.push_str("]}");
        Ok(ImportBatch {
            arguments: self.parsed.arguments,
            row_numbers: self.parsed.row_numbers,
            share: self.parsed.share,
            waiting: None,
        })
    }
}

fn refused(errors: Vec<FieldError>) -> Problem {
    Problem::invalid(errors).detail("Nothing was imported. Pointers have the form /row/column.")
}

impl ParsedFile {
    fn take(
        &mut self,
        resource: &Resource,
        grant: &Grant,
        record: records::Record<'_>,
    ) -> Result<(), Problem> {
        let row = record.row;
        let mut cells = record.cells()?;
        if cells.iter().all(|cell| cell.is_empty()) {
            return Ok(());
        }
        let Some(fields) = &self.columns else {
            if names_separator(&cells) {
                return Ok(());
            }
            while cells.last().is_some_and(|name| name.trim().is_empty()) {
                cells.pop();
            }
            self.columns = Some(columns(resource, grant.writes, row, &cells)?);
            return Ok(());
        };
        if cells.len() < fields.len()
            || cells.iter().skip(fields.len()).any(|cell| !cell.is_empty())
        {
            let what = format!(
                "has {} cells, but the header has {}",
                cells.len(),
                fields.len()
            );
            return Err(records::malformed(row, &what));
        }
        if self.waiting.is_empty() {
            let (read, lacks_zones) = zones::lacking(|| input(resource, grant, fields, &cells));
            if !lacks_zones {
                return self.put(row, read);
            }
        }
        if self.rows + self.waiting.len() >= MAX_IMPORT_ROWS {
            return Err(too_large());
        }
        let cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
        self.waiting_bytes += cells
            .iter()
            .map(|cell| size_of::<String>() + cell.len())
            .sum::<usize>();
        if self.arguments.len() + self.waiting_bytes > MAX_ARGUMENT_BYTES {
            return Err(too_large());
        }
        self.share
            .set(self.arguments.capacity() + self.waiting_bytes)?;
        self.waiting.push((row, cells));
        Ok(())
    }

    fn put(&mut self, row: u64, read: Result<Map<String, Value>, Problem>) -> Result<(), Problem> {
        match read {
            Ok(input) => self.keep(row, input),
            Err(problem) => self.refuse(row, problem),
        }
    }

    fn keep(&mut self, row: u64, input: Map<String, Value>) -> Result<(), Problem> {
        self.rows += 1;
        if self.rows > MAX_IMPORT_ROWS {
            return Err(too_large());
        }
        if !self.errors.is_empty() {
            return Ok(());
        }
        let id = random::id();
        self.row_numbers.0.push((id, row));
        let text = json!({"id": id, "row": row, "input": input}).to_string();
        self.reserve(text.len() + 3)?;
        if self.rows > 1 {
            self.arguments.push(',');
        }
        self.arguments.push_str(&text);
        Ok(())
    }

    /// Makes room in the argument, or refuses the file: memory that isn't there would end the program.
    fn reserve(&mut self, bytes: usize) -> Result<(), Problem> {
        let length = self.arguments.len();
        if length + bytes > MAX_ARGUMENT_BYTES {
            return Err(too_large());
        }
        if length + bytes <= self.arguments.capacity() {
            return Ok(());
        }
        let capacity = if length + bytes > MAX_DOUBLED_BYTES {
            MAX_ARGUMENT_BYTES
        } else {
            (length + bytes).max(2 * self.arguments.capacity())
        };
        self.share.set(capacity + self.waiting_bytes)?;
        let made = self.arguments.try_reserve_exact(capacity - length);
        made.map_err(|_| share::no_memory())
    }

    fn refuse(&mut self, row: u64, problem: Problem) -> Result<(), Problem> {
        // What is not kept any more need not be held.
        self.arguments = String::new();
        self.share = Share::default();
        self.errors
            .extend(problem.errors.into_iter().map(|error| FieldError {
                pointer: format!("/{row}{}", error.pointer),
                ..error
            }));
        if self.errors.len() < MAX_ERRORS {
            return Ok(());
        }
        Err(refused(std::mem::take(&mut self.errors)))
    }
}

fn too_large() -> Problem {
    Problem::new(problem::Kind::TooLarge).detail(format!(
        "A file can have at most {MAX_IMPORT_ROWS} rows, and at most 60 MiB as JSON. Import the file in parts."
    ))
}

/// Returns whether this is the line `sep=,` by which a spreadsheet tells another one the separator of its cells.
fn names_separator(cells: &[&str]) -> bool {
    matches!(cells, [first, ""] if first.eq_ignore_ascii_case("sep="))
}

/// The fields that the header names.
fn columns(
    resource: &Resource,
    writes: Fields,
    row: u64,
    header: &[&str],
) -> Result<Vec<&'static Field>, Problem> {
    if header.iter().any(|name| name.contains('\0')) {
        // A workbook, or text of two bytes a letter.
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

fn input(
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
    // A cell that can't be read is there, though its value isn't.
    let others = checked.err().into_iter().flat_map(|problem| problem.errors);
    let mut errors = unreadable.clone();
    errors
        .extend(others.filter(|error| unreadable.iter().all(|cell| cell.pointer != error.pointer)));
    Err(Problem::invalid(errors))
}

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
