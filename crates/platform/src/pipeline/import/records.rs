//! Splits a CSV file (RFC 4180) into records as its pieces arrive. The meaning of cells is known
//! only to the parent module.
//!
//! The crate `csv-core` is lenient: an open quote takes in all following rows. For that reason
//! [`Quotes`] checks the bytes as well, and refuses quotes to which RFC 4180 gives no meaning.

use csv_core::ReadRecordResult;

use crate::http::problem::{Kind, Problem};

/// The maximum size of one record, in bytes, which equals that of a body that creates one row.
const MAX_RECORD_BYTES: usize = 1024 * 1024;
/// The maximum number of cells of one record.
const MAX_CELLS: usize = 8 * 1024;
/// The initial size of the buffer for a record, in bytes.
const INITIAL_BUFFER_BYTES: usize = 1024;
/// The byte order mark that spreadsheets put before a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Splits a file into its records.
pub(super) struct Records {
    reader: csv_core::Reader,
    /// The cells of the current record, one after the other.
    text: Vec<u8>,
    text_length: usize,
    /// The end of each cell in `text`.
    ends: Vec<usize>,
    cells: usize,
    /// The number of the current record.
    row: u64,
    /// The byte before the next piece.
    last: u8,
    is_begun: bool,
    quotes: Quotes,
    /// The number of bytes of the byte order mark that have arrived; all of them once the file
    /// itself has begun.
    marked: usize,
}

/// The state of the quotes around a cell.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// At the beginning of a cell.
    None,
    /// Within a cell without quotes.
    Bare,
    /// Within quotes.
    Open,
    /// After a quote that ends the cell, unless another one follows.
    Closed,
}

impl Quotes {
    /// Reads the next bytes, or returns the error of the record.
    fn read(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        for byte in bytes {
            *self = match (*self, byte) {
                (Quotes::Open, b'"') => Quotes::Closed,
                (Quotes::Open, _) | (Quotes::Closed, b'"') => Quotes::Open,
                (_, b',' | b'\r' | b'\n') => Quotes::None,
                (Quotes::None, b'"') => Quotes::Open,
                (Quotes::Closed, _) => return Err("has text after a closing quote"),
                (Quotes::Bare, b'"') => {
                    return Err(
                        "has a quote inside an unquoted cell; enclose the cell in quotes and double the quotes inside it",
                    );
                }
                _ => Quotes::Bare,
            };
        }
        Ok(())
    }
}

/// One record, with the number that a spreadsheet shows beside it. Blank lines count, and a line
/// break in quotes does not.
#[derive(Clone, Copy)]
pub(super) struct Record<'r> {
    /// The number of the record; the first line of the file is 1.
    pub(super) row: u64,
    text: &'r [u8],
    ends: &'r [usize],
}

impl Record<'_> {
    /// Returns the cells.
    ///
    /// # Errors
    ///
    /// 400 when one is not UTF-8.
    pub(super) fn cells(&self) -> Result<Vec<&str>, Problem> {
        let mut start = 0;
        self.ends
            .iter()
            .map(|end| {
                let cell = std::str::from_utf8(&self.text[start..*end]);
                start = *end;
                cell.map_err(|_| malformed(self.row, "is not valid UTF-8"))
            })
            .collect()
    }
}

/// Creates the problem of a malformed record.
pub(super) fn malformed(row: u64, what: &str) -> Problem {
    Problem::new(Kind::Malformed).detail(format!("The file is not valid CSV: row {row} {what}."))
}

impl Records {
    pub(super) fn new() -> Records {
        Records {
            reader: csv_core::Reader::new(),
            text: vec![0; INITIAL_BUFFER_BYTES],
            text_length: 0,
            ends: vec![0; 16],
            cells: 0,
            row: 1,
            last: 0,
            is_begun: false,
            quotes: Quotes::None,
            marked: 0,
        }
    }

    /// Returns the next record that ends in the piece, and removes the bytes read from the piece;
    /// none if the rest of the record has yet to arrive.
    ///
    /// # Errors
    ///
    /// 400 when the record is too long, or has quotes at an invalid position.
    pub(super) fn next(&mut self, piece: &mut &[u8]) -> Result<Option<Record<'_>>, Problem> {
        self.skip_mark(piece);
        self.skip_blank_lines(piece);
        if piece.is_empty() {
            return Ok(None);
        }
        self.read(piece)
    }

    /// Returns the last record, which the end of the file ends.
    ///
    /// # Errors
    ///
    /// As for [`Records::next`], and 400 when a quote is still open.
    pub(super) fn finish(&mut self) -> Result<Option<Record<'_>>, Problem> {
        if self.quotes == Quotes::Open {
            return Err(malformed(self.row, "opens a quote that is never closed"));
        }
        self.read(&mut &[][..])
    }

    fn read(&mut self, piece: &mut &[u8]) -> Result<Option<Record<'_>>, Problem> {
        loop {
            let (result, read, written, ended) = self.reader.read_record(
                piece,
                &mut self.text[self.text_length..],
                &mut self.ends[self.cells..],
            );
            self.quotes
                .read(&piece[..read])
                .map_err(|what| malformed(self.row, what))?;
            self.last = read.checked_sub(1).map_or(self.last, |last| piece[last]);
            *piece = &piece[read..];
            self.text_length += written;
            self.cells += ended;
            self.is_begun = true;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
                ReadRecordResult::OutputFull if self.text.len() < MAX_RECORD_BYTES => {
                    self.text.resize(self.text.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_CELLS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull => {
                    return Err(malformed(
                        self.row,
                        "is too long; a closing quote may be missing",
                    ));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(malformed(self.row, "has too many cells"));
                }
            }
        }
        let record = Record {
            row: self.row,
            text: &self.text[..self.text_length],
            ends: &self.ends[..self.cells],
        };
        (self.text_length, self.cells) = (0, 0);
        self.row += 1;
        self.is_begun = false;
        Ok(Some(record))
    }

    /// Removes the byte order mark before the file.
    fn skip_mark(&mut self, piece: &mut &[u8]) {
        while let (Some(expected), [byte, rest @ ..]) = (BYTE_ORDER_MARK.get(self.marked), *piece) {
            if byte != expected {
                self.marked = BYTE_ORDER_MARK.len();
                return;
            }
            self.marked += 1;
            *piece = rest;
        }
    }

    /// Counts the blank lines before a record, which the crate would skip silently.
    fn skip_blank_lines(&mut self, piece: &mut &[u8]) {
        while let ([byte @ (b'\r' | b'\n'), rest @ ..], false) = (*piece, self.is_begun) {
            // The second half of "\r\n" does not end another line.
            if (self.last, *byte) != (b'\r', b'\n') {
                self.row += 1;
            }
            self.last = *byte;
            *piece = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<(u64, Vec<String>)>;

    fn kept(record: Record<'_>) -> Result<(u64, Vec<String>), Problem> {
        let cells = record.cells()?.into_iter().map(str::to_owned).collect();
        Ok((record.row, cells))
    }

    /// Returns the records of a file that arrives in pieces of the size.
    fn split(file: &[u8], size: usize) -> Result<Rows, Problem> {
        let mut records = Records::new();
        let mut rows = Vec::new();
        for mut piece in file.chunks(size) {
            while let Some(record) = records.next(&mut piece)? {
                rows.push(kept(record)?);
            }
        }
        if let Some(record) = records.finish()? {
            rows.push(kept(record)?);
        }
        Ok(rows)
    }

    fn numbers(file: &str) -> Vec<u64> {
        let rows = split(file.as_bytes(), file.len().max(1)).unwrap();
        rows.into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        for (file, expected) in [
            ("a\nb\nc", vec![1, 2, 3]),
            ("a\r\nb\r\nc\r\n", vec![1, 2, 3]),
            ("a\rb\rc\r", vec![1, 2, 3]),
            ("a\n\nb\n\n\nc\n", vec![1, 3, 6]),
            ("a\r\n\r\nb\r\n\r\n\r\nc\r\n", vec![1, 3, 6]),
            ("a\r\rb\n\r\nc", vec![1, 3, 5]),
            ("\n\r\n\na\nb", vec![4, 5]),
            ("a\n\"two\n\nlines\"\nb\n", vec![1, 2, 3]),
            ("\n\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(numbers(file), expected, "{file:?}");
        }
    }

    #[test]
    fn a_record_that_does_not_end_is_refused() {
        let open = format!("name\n\"{}", "x\n".repeat(MAX_RECORD_BYTES));
        let problem = split(open.as_bytes(), 1000).unwrap_err();
        assert_eq!(problem.status(), 400);
        assert!(problem.detail.unwrap().contains("row 2"));
        let wide = ",".repeat(MAX_CELLS + 1);
        assert_eq!(split(wide.as_bytes(), 7).unwrap_err().status(), 400);
    }

    /// Returns the detail of the problem with which a file is refused, the same however the file is
    /// divided.
    fn said(file: &str) -> String {
        let details: Vec<String> = [1, 3, 1000]
            .into_iter()
            .map(|size| split(file.as_bytes(), size).unwrap_err().detail.unwrap())
            .collect();
        assert!(
            details.iter().all(|detail| *detail == details[0]),
            "{details:?}"
        );
        details[0].clone()
    }

    #[test]
    fn a_quote_that_stays_open_is_refused_at_its_row() {
        for (file, row) in [
            ("name\n\"Ann\nBo\n", 2),
            ("name\nAnn\n\nx,\"Bo\nCy\n\nDi", 4),
            ("\"name\nAnn\n", 1),
            ("name\n\"two\nlines\"\n\"", 3),
            ("name\n\"a\"\"", 2),
        ] {
            let expected = format!("row {row} opens a quote that is never closed");
            assert!(said(file).contains(&expected), "{file:?}: {}", said(file));
        }
        // The open quote may also meet the first quote of a later row.
        assert!(said("name,x\n\"Ann,1\nBo,\"2\"\n").contains("row 2 has text after"));
    }

    #[test]
    fn quotes_stand_around_a_cell_or_nowhere() {
        for (file, what) in [
            ("a\n\"Ann\" Ng\n", "row 2 has text after a closing quote"),
            ("a\n\"Ann\" \n", "row 2 has text after a closing quote"),
            (
                "a\nAnn \"Annie\" Ng\n",
                "row 2 has a quote inside an unquoted cell",
            ),
            (
                "a,b\nx, \"y\"\n",
                "row 2 has a quote inside an unquoted cell",
            ),
        ] {
            assert!(said(file).contains(what), "{file:?}: {}", said(file));
        }
    }

    #[test]
    fn the_mark_before_a_file_is_no_text_of_it() {
        for size in [1, 2, 3, 100] {
            let rows = split("\u{feff}\"a\",b\n\u{feff}c,d\n".as_bytes(), size).unwrap();
            assert_eq!(rows[0].1, ["a", "b"]);
            assert_eq!(rows[1].1, ["\u{feff}c", "d"]);
        }
    }

    #[test]
    fn a_cell_that_is_not_text_is_refused_even_if_its_neighbour_completes_it() {
        assert_eq!(split(b"a\n\xc3,\xa9\n", 3).unwrap_err().status(), 400);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_a_file_has_the_same_records(
            file in "[ab,\"\r\né]{0,60}",
            size in 1..8_usize,
        ) {
            let whole = split(file.as_bytes(), file.len().max(1));
            prop_assert_eq!(split(file.as_bytes(), size), whole);
        }

        #[test]
        fn the_records_are_those_of_the_csv_reader(file in "[ab,\"\r\né]{0,60}") {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(file.as_bytes());
            let expected: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            // A refused file would have been read, but not as intended.
            if let Ok(rows) = split(file.as_bytes(), 5) {
                let found: Vec<Vec<String>> = rows.into_iter().map(|(_, cells)| cells).collect();
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn whatever_was_written_is_read(
            rows in proptest::collection::vec(
                proptest::collection::vec("[ab,\"\r\né ]{0,6}", 2..=2),
                0..6,
            ),
        ) {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let found: Vec<Vec<String>> = split(&file, 7)
                .unwrap()
                .into_iter()
                .map(|(_, cells)| cells)
                .collect();
            prop_assert_eq!(found, rows);
        }
    }
}
