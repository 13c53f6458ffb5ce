//! The database as the pipeline sees it: one call for each statement. The implementation through
//! Spin is in `spin::postgres`.

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::http::problem::{Kind, Problem};
use crate::sql::context::DatabaseContext;
use crate::sql::error::QueryError;
use crate::sql::sqlstate::{self, Outcome};
use crate::sql::statement::{Sql, Statement};
use crate::values::zones;

/// The only SQL text that a component sends to PostgreSQL. It returns the body, the tag, whether
/// the result is a replay, and the [`DatabaseError`](crate::sql::error::DatabaseError) as JSON. A
/// refusal is not an error to the server, because the server would write it into its log together
/// with the data of the request.
pub const CALL: &str = "call lms.run($1, $2, $3, $4, null, null, null, null)";

/// The SQLSTATE of a transaction that was aborted to end a deadlock. It has changed nothing, so it
/// can be retried.
const DEADLOCK: &str = "40P01";

/// The maximum number of retries after a deadlock.
const MAX_RETRIES: usize = 2;

/// The maximum size of arguments, in bytes, that are kept for a retry. Those of imports are too
/// large to be held twice.
const MAX_RETRIED_BYTES: usize = 1024 * 1024;

/// The result of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryResult {
    /// The body of the response; none if no row was found.
    pub body: Option<String>,
    /// The version of a single resource, or the cursor of the next page.
    pub tag: Option<String>,
    /// True if the result was stored earlier for the same idempotency key.
    pub replayed: bool,
    /// The duration of the call, in microseconds.
    pub microseconds: u64,
}

/// The future result of a statement.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<QueryResult, QueryError>> + 'a>>;

/// The end of a pause.
pub type Pause<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The only interface to the database.
pub trait Database {
    /// Runs the statement in a transaction of its own, in the context.
    fn run<'a>(
        &'a self,
        context: String,
        statement: &'a Statement,
        arguments: String,
    ) -> Pending<'a>;

    /// Waits before the next statement, without a connection.
    fn pause<'a>(&'a self, time: Duration) -> Pause<'a>;
}

/// The database as one request uses it: in the context of the request, with the time that it took.
pub struct Client<'a> {
    database: &'a dyn Database,
    context: DatabaseContext<'a>,
    microseconds: Cell<u64>,
}

impl<'a> Client<'a> {
    /// Creates the client of a request.
    pub fn new(database: &'a dyn Database, context: DatabaseContext<'a>) -> Client<'a> {
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
    /// When the database refuses it or cannot be reached.
    pub async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<QueryResult, QueryError> {
        self.run_text(statement, Value::Object(arguments).to_string())
            .await
    }

    /// Runs a statement whose arguments are already JSON text.
    ///
    /// # Errors
    ///
    /// As for [`Client::run`].
    pub async fn run_text(
        &self,
        statement: &Statement,
        mut arguments: String,
    ) -> Result<QueryResult, QueryError> {
        let mut retries = if arguments.len() <= MAX_RETRIED_BYTES {
            MAX_RETRIES
        } else {
            0
        };
        loop {
            let copy = (retries > 0).then(|| arguments.clone());
            let answer = self
                .database
                .run(self.context.text(), statement, arguments)
                .await;
            match (answer, copy) {
                (Err(QueryError::Refused(refusal)), Some(copy)) if refusal.code == DEADLOCK => {
                    retries -= 1;
                    arguments = copy;
                }
                (Err(error), _) => return Err(error),
                (Ok(answer), _) => {
                    self.microseconds
                        .set(self.microseconds.get() + answer.microseconds);
                    return Ok(answer);
                }
            }
        }
    }

    /// Returns the result of work that needs time zones, and reads those that are missing first.
    /// That is a statement of its own, whose result is not stored for the request's idempotency
    /// key.
    ///
    /// # Errors
    ///
    /// The error of the work, or a problem when the zones cannot be read.
    pub async fn with_zones<T>(&self, work: impl Fn() -> Result<T, Problem>) -> Result<T, Problem> {
        let context = DatabaseContext {
            idempotency_key: None,
            fingerprint: None,
            ..self.context.clone()
        };
        let zone_client = Client::new(self.database, context);
        let read = async |names: Vec<String>| {
            let arguments = Map::from_iter([("names".to_owned(), json!(names))]);
            let answer = zone_client.run(&time_zones(), arguments).await;
            self.microseconds
                .set(self.microseconds.get() + zone_client.microseconds.take());
            match answer {
                Ok(answer) => Ok(answer.body.unwrap_or_default()),
                Err(error) => match sqlstate::outcome(error) {
                    Outcome::Problem(problem) => Err(*problem),
                    Outcome::DryRun(_) => Err(Problem::new(Kind::Internal)
                        .cause("reading time zones was taken for a dry run")),
                },
            }
        };
        zones::resolved(read, work).await?
    }

    /// Waits before the next statement, without a connection.
    pub async fn pause(&self, time: Duration) {
        self.database.pause(time).await;
    }

    /// Returns the time that the database took so far, in microseconds.
    pub fn microseconds(&self) -> u64 {
        self.microseconds.get()
    }
}

fn time_zones() -> Statement {
    Sql::from(
        "-- time_zones
select
  lms.time_zones($1->'names')::text as body,
  null::text as tag",
    )
    .prepared("time_zones")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::fixture::ready;
    use crate::sql::error::DatabaseError;
    use crate::sql::statement::Sql;

    /// A database that ends the first statements with a SQLSTATE.
    struct Refusing {
        code: &'static str,
        left: Cell<usize>,
        arguments: RefCell<Vec<String>>,
    }

    impl Database for Refusing {
        fn run<'a>(&'a self, _: String, _: &'a Statement, arguments: String) -> Pending<'a> {
            self.arguments.borrow_mut().push(arguments);
            let left = self.left.get();
            self.left.set(left.saturating_sub(1));
            Box::pin(std::future::ready(if left == 0 {
                Ok(QueryResult::default())
            } else {
                Err(QueryError::Refused(Box::new(DatabaseError {
                    code: self.code.to_owned(),
                    ..DatabaseError::default()
                })))
            }))
        }

        fn pause<'a>(&'a self, _: Duration) -> Pause<'a> {
            Box::pin(std::future::ready(()))
        }
    }

    fn attempts(code: &'static str, refusals: usize, arguments: &str) -> (bool, Vec<String>) {
        let database = Refusing {
            code,
            left: Cell::new(refusals),
            arguments: RefCell::default(),
        };
        let client = Client::new(
            &database,
            DatabaseContext::new("eu-standard", "eu", None, "r-1"),
        );
        let statement = Sql::from("select 1").prepared("lamps.list");
        let answer = ready(client.run_text(&statement, arguments.to_owned()));
        (answer.is_ok(), database.arguments.into_inner())
    }

    #[test]
    fn a_deadlock_is_run_again_a_few_times() {
        assert_eq!(attempts("40P01", 2, "{}"), (true, vec!["{}".to_owned(); 3]));
        assert_eq!(attempts("40P01", 9, "{}").1.len(), 3);
        assert_eq!(attempts("55P03", 1, "{}").1.len(), 1);
        let long = "x".repeat(MAX_RETRIED_BYTES + 1);
        assert_eq!(attempts("40P01", 1, &long).1.len(), 1);
    }
}
