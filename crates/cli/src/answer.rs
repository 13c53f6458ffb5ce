//! The answers of commands, and printing them: as text for people, or with `--json` as one document for programs.
//! Progress, notes and errors go to standard error, and are printed elsewhere.

use std::fmt::{self, Display, Formatter};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Error;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use serde::{Serialize, Serializer};

/// The form in which an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// One JSON document, in several lines on a terminal, and in one line elsewhere.
    Json,
}

/// An answer, with its type erased.
trait Answer: Display {
    fn json(&self, is_pretty: bool) -> serde_json::Result<String>;
}

impl<T: Serialize + Display> Answer for T {
    fn json(&self, is_pretty: bool) -> serde_json::Result<String> {
        if is_pretty {
            serde_json::to_string_pretty(self)
        } else {
            serde_json::to_string(self)
        }
    }
}

/// The outcome of a command: its answer, and its success.
pub(crate) struct Outcome {
    answer: Option<Box<dyn Answer>>,
    is_fault: bool,
    error: Option<Error>,
}

impl Outcome {
    /// The success of a command that has nothing to answer.
    pub(crate) fn silent() -> Self {
        Self {
            answer: None,
            is_fault: false,
            error: None,
        }
    }

    /// The success of a command with an answer.
    pub(crate) fn answer(answer: impl Serialize + Display + 'static) -> Self {
        Self {
            answer: Some(Box::new(answer)),
            ..Self::silent()
        }
    }

    /// The success of a command with an answer, and the text that people get for it.
    pub(crate) fn worded(value: impl Serialize + 'static, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::answer(Worded { value, text })
    }

    /// Makes the command fail if the answer reports a fault in what the command was asked to check.
    pub(crate) fn with_fault(mut self, is_fault: bool) -> Self {
        self.is_fault |= is_fault;
        self
    }

    /// Makes the command fail with an error after the answer, which has what was done before it.
    pub(crate) fn interrupted_by(mut self, error: Option<Error>) -> Self {
        self.error = error;
        self
    }

    /// Prints the answer, and returns the exit code.
    ///
    /// # Errors
    ///
    /// The error that interrupted the command, or that of standard output, such as when the reader has closed the pipe
    /// (`lms openapi | head`), which the macro `println` would answer with a panic.
    pub(crate) fn print(self, format: Format) -> anyhow::Result<ExitCode> {
        let mut output = std::io::stdout();
        if let Some(answer) = self.answer {
            let text = match format {
                Format::Text => answer.to_string(),
                Format::Json => answer.json(output.is_terminal())?,
            };
            if !text.is_empty() {
                writeln!(output, "{text}")?;
            }
        }
        match self.error {
            Some(error) => Err(error),
            None if self.is_fault => Ok(ExitCode::FAILURE),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// A value, and the text that people get for it.
#[derive(Serialize)]
#[serde(transparent)]
struct Worded<T> {
    value: T,
    #[serde(skip)]
    text: String,
}

impl<T> Display for Worded<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A list: for programs an object with the members under their plural noun, and for people a line for each member.
pub(crate) struct Lines<T> {
    noun: &'static str,
    members: Vec<T>,
}

impl<T> Lines<T> {
    /// A list of members that the plural noun names.
    pub(crate) fn new(noun: &'static str, members: Vec<T>) -> Self {
        Self { noun, members }
    }
}

impl<T: Serialize> Serialize for Lines<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.noun, &self.members)])
    }
}

impl<T: Display> Display for Lines<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// The row of a table for people.
pub(crate) trait Row {
    /// The names of the columns.
    const HEADER: &'static [&'static str];

    /// The texts of the row, one for each column.
    fn cells(&self) -> Vec<String>;
}

/// A list like [`Lines`], which is a table for people.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Table<T: Serialize>(Lines<T>);

impl<T: Serialize> Table<T> {
    /// A table of members that the plural noun names.
    pub(crate) fn new(noun: &'static str, members: Vec<T>) -> Self {
        Self(Lines::new(noun, members))
    }
}

impl<T: Serialize + Row> Display for Table<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&table(&self.0.members))
    }
}

/// Draws a table.
pub(crate) fn table<'a, T: Row + 'a>(rows: impl IntoIterator<Item = &'a T>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(T::HEADER.iter().copied());
    for row in rows {
        table.add_row(row.cells());
    }
    table.trim_fmt()
}
