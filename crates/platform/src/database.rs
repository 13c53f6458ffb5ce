//! The database as the pipeline sees it: one call for each statement.

use std::cell::Cell;
use std::pin::Pin;

use serde_json::{Map, Value};

use crate::context::Context;
use crate::sql::Statement;

/// The one SQL text that ever reaches PostgreSQL from a component.
pub const CALL: &str = "call lms.run($1, $2, $3, $4, null, null, null)";

/// What a statement answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The body of the response; none when no row was found.
    pub body: Option<String>,
    /// The version of a single resource, or the cursor behind a list.
    pub tag: Option<String>,
    /// Whether the answer was stored earlier under the same idempotency key.
    pub replayed: bool,
    /// How long the call took, in microseconds.
    pub microseconds: u64,
}

/// Why a statement gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The database can't be reached or can't take more work.
    Unavailable(String),
    /// PostgreSQL refused the statement.
    Refused(Box<Refusal>),
    /// The answer wasn't of the agreed shape: a fault of ours.
    Unexpected(String),
}

/// PostgreSQL's words on a refused statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail.
    pub detail: Option<String>,
    /// The constraint's name.
    pub constraint: Option<String>,
    /// The table's name.
    pub table: Option<String>,
    /// The column's name; our own refusals put the field's name there.
    pub column: Option<String>,
}

/// A statement's answer, when it comes.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>>;

/// The one way to the database.
pub trait Database {
    /// Runs the statement in a transaction of its own, with the context in force.
    fn run<'a>(
        &'a self,
        context: String,
        statement: &'a Statement,
        arguments: String,
    ) -> Pending<'a>;
}

/// The database as one request uses it: in its context, and with the time that it took.
pub struct Client<'a> {
    database: &'a dyn Database,
    context: Context<'a>,
    microseconds: Cell<u64>,
}

impl<'a> Client<'a> {
    /// The database in the context.
    pub fn new(database: &'a dyn Database, context: Context<'a>) -> Client<'a> {
        Client {
            database,
            context,
            microseconds: Cell::new(0),
        }
    }

    /// Runs a statement.
    ///
    /// # Errors
    ///
    /// When the database refuses it or can't be reached.
    pub async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<Answer, Failure> {
        self.run_text(statement, Value::Object(arguments).to_string())
            .await
    }

    /// Runs a statement whose arguments are JSON text already.
    ///
    /// # Errors
    ///
    /// As for [`Client::run`].
    pub async fn run_text(
        &self,
        statement: &Statement,
        arguments: String,
    ) -> Result<Answer, Failure> {
        let answer = self
            .database
            .run(self.context.text(), statement, arguments)
            .await?;
        self.microseconds
            .set(self.microseconds.get() + answer.microseconds);
        Ok(answer)
    }

    /// How long the database took so far, in microseconds.
    pub fn microseconds(&self) -> u64 {
        self.microseconds.get()
    }
}
