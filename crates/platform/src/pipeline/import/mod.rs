//! Imports many rows from a CSV file (RFC 4180), which is read as it arrives: all rows or none,
//! with the first hundred errors. The meaning of headers and cells is in `cells`.
//!
//! Only the current record of the file is held in memory, and the rows as the text of the
//! statement's argument.

mod cells;
mod memory_reservation;
mod records;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::auth::policy::Grant;
use crate::declare::field::Field;
use crate::declare::resource::Resource;
use crate::declare::statements::import::MAX_IMPORT_ROWS;
use crate::declare::validation;
use crate::http::problem::{self, Problem};
use crate::sql::database::Client;
use crate::sql::error::QueryError;
use crate::values::field_error::{FieldError, MAX_ERRORS};
use crate::values::random;
use crate::values::zones;

use cells::{columns, input, names_separator};
use memory_reservation::{MAX_ARGUMENT_BYTES, MemoryReservation};

/// The maximum size up to which the memory of the argument is doubled. Beyond it, a copy beside the
/// old one would take too much memory.
const MAX_DOUBLED_BYTES: usize = 4 * 1024 * 1024;

/// Reads a file into the argument of its statement: `{"dry_run": false, "rows": [{"id": ..., "row":
/// 2, "input": {...}}, ...]}`.
///
/// An empty cell leaves the field out; a cell of a list or an object is JSON. The apostrophe that
/// an export put before a formula is removed. Additions of spreadsheets are ignored: capitals in
/// the header, empty rows and columns after the others, and a line that names the separator.
pub struct Reader {
    resource: &'static Resource,
    grant: &'static Grant,
    records: records::Records,
    parsed: ParsedFile,
}

/// The result of reading a file.
pub struct ImportBatch {
    /// The argument of the statement.
    pub arguments: String,
    /// The row numbers of its rows.
    pub row_numbers: RowNumbers,
    /// The memory of the instance that is reserved until the argument is dropped.
    pub(crate) reservation: MemoryReservation,
    /// The reader, if some of its rows wait for time zones.
    waiting: Option<Box<Reader>>,
}

impl ImportBatch {
    /// Returns the batch once no row waits for time zones.
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
            reader.parsed.add_row(row, read)?;
        }
        reader.batch()
    }
}

/// The row number in the file of each new id, because the database names a refused row by its id.
#[derive(Default)]
pub struct RowNumbers(Vec<(Uuid, u64)>);

impl RowNumbers {
    /// Adds the row number to the field of an error, if the database named the refused row.
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

/// The part of a file that was read.
struct ParsedFile {
    /// The fields that the header names; none until the header was read.
    columns: Option<Vec<&'static Field>>,
    rows: usize,
    arguments: String,
    reservation: MemoryReservation,
    row_numbers: RowNumbers,
    errors: Vec<FieldError>,
    /// The cells of a row that needs unknown time zones, and of all rows after it. The database is
    /// queried once the whole file has arrived.
    waiting: Vec<(u64, Vec<String>)>,
    /// The number of bytes that the waiting rows take.
    waiting_bytes: usize,
}

impl Reader {
    /// Creates a reader of rows that the grant's role may create.
    pub fn new(resource: &'static Resource, grant: &'static Grant, dry_run: bool) -> Reader {
        Reader {
            resource,
            grant,
            records: records::Records::new(),
            parsed: ParsedFile {
                columns: None,
                rows: 0,
                arguments: format!("{{\"dry_run\":{dry_run},\"rows\":["),
                reservation: MemoryReservation::default(),
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
    /// As soon as the rest of the file cannot help: 400 when it is not CSV or has unknown columns,
    /// 413 for too many rows, 422 for too many errors.
    pub fn take(&mut self, mut piece: &[u8]) -> Result<(), Problem> {
        while let Some(record) = self.records.next(&mut piece)? {
            self.parsed.take(self.resource, self.grant, record)?;
        }
        Ok(())
    }

    /// Returns the batch at the end of the file.
    ///
    /// # Errors
    ///
    /// As for [`Reader::take`], and 422 with the row, column and reason of each error.
    pub fn finish(mut self) -> Result<ImportBatch, Problem> {
        if let Some(record) = self.records.finish()? {
            self.parsed.take(self.resource, self.grant, record)?;
        }
        if !self.parsed.waiting.is_empty() {
            return Ok(ImportBatch {
                arguments: String::new(),
                row_numbers: RowNumbers::default(),
                reservation: MemoryReservation::default(),
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
            reservation: self.parsed.reservation,
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
            let (read, lacks_zones) = zones::attempt(|| input(resource, grant, fields, &cells));
            if !lacks_zones {
                return self.add_row(row, read);
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
        self.reservation
            .set(self.arguments.capacity() + self.waiting_bytes)?;
        self.waiting.push((row, cells));
        Ok(())
    }

    fn add_row(
        &mut self,
        row: u64,
        read: Result<Map<String, Value>, Problem>,
    ) -> Result<(), Problem> {
        match read {
            Ok(input) => self.accept_row(row, input),
            Err(problem) => self.reject_row(row, problem),
        }
    }

    fn accept_row(&mut self, row: u64, input: Map<String, Value>) -> Result<(), Problem> {
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

    /// Reserves memory in the argument, or refuses the file, because running out of memory would
    /// end the program.
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
        self.reservation.set(capacity + self.waiting_bytes)?;
        let made = self.arguments.try_reserve_exact(capacity - length);
        made.map_err(|_| memory_reservation::no_memory())
    }

    fn reject_row(&mut self, row: u64, problem: Problem) -> Result<(), Problem> {
        // A file with errors is not imported, so its rows need no memory.
        self.arguments = String::new();
        self.reservation = MemoryReservation::default();
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
