//! PostgreSQL through Spin's interface: one call of `lms.run` for each statement. The pipeline's
//! view of the database is in `sql::database`.
//!
//! Nothing else may open a connection (`clippy.toml` forbids it), because a statement that does not
//! go through `lms.run` would run without the context of a tenant.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures::future;
use spin_sdk::pg::{
    self, Certificate, Connection, DbValue, Error, OpenOptions, ParameterValue, PgError,
};
use spin_sdk::time;

use crate::settings::{self, Settings};
use crate::spin::deadline::within;
use crate::sql::database::{CALL, Database, Pause, Pending, QueryResult};
use crate::sql::error::{DatabaseError, QueryError};
use crate::sql::statement::Statement;

/// The time limit of the database, all in all. It is longer than its own `statement_timeout`, whose
/// error says more. It is meant for a server that no longer responds, and for a pool without a free
/// connection.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(20);

/// The additional time of a request with a long-running statement, beyond that of the statement.
const LONG_RUNNING_MARGIN: Duration = Duration::from_secs(5);

/// PostgreSQL through Spin. It takes a connection from the host's pool for one statement and no
/// longer, because idle instances that hold connections would starve the others.
pub(crate) struct Postgres<'s> {
    address: Cow<'s, str>,
    certificate: Option<&'s str>,
    /// The time limit of a call.
    limit: Duration,
}

impl<'s> Postgres<'s> {
    pub(crate) fn new(settings: &'s Settings, is_long: bool) -> Self {
        let (address, limit) = if is_long {
            let address = Cow::Owned(settings.long_running_database_url());
            (
                address,
                settings::LONG_RUNNING_TIMEOUT + LONG_RUNNING_MARGIN,
            )
        } else {
            (
                Cow::Borrowed(settings.database_url.as_str()),
                DATABASE_TIMEOUT,
            )
        };
        Postgres {
            address,
            certificate: settings.database_ca.as_deref(),
            limit,
        }
    }

    #[allow(clippy::disallowed_methods)] // The one place.
    async fn open(&self) -> Result<Connection, Error> {
        match self.certificate {
            None => Connection::open(&*self.address).await,
            Some(certificate) => {
                let ca_root = Some(Certificate::Text(certificate.to_owned()));
                Connection::open_with_options(&*self.address, OpenOptions { ca_root }).await
            }
        }
    }

    async fn call(&self, parameters: [ParameterValue; 4]) -> Result<Option<Vec<DbValue>>, Error> {
        let connection = self.open().await?;
        let (_, mut rows, completion) = connection.query(CALL, parameters).await?.into_inner();
        let read = async {
            let mut first = None;
            while let Some(row) = rows.next().await {
                first.get_or_insert(row);
            }
            first
        };
        // Both are asked for at once, because the host's answers then arrive together.
        let (first, outcome) = future::join(read, completion.into_future()).await;
        outcome.map_err(Error::PgError)?;
        Ok(first)
    }
}

impl Database for Postgres<'_> {
    fn run<'a>(
        &'a self,
        context: String,
        statement: &'a Statement,
        arguments: String,
    ) -> Pending<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let parameters = [
                ParameterValue::Str(context),
                ParameterValue::Str(statement.name.clone()),
                ParameterValue::Str(statement.text.clone()),
                ParameterValue::Str(arguments),
            ];
            match within(self.limit, self.call(parameters)).await {
                Some(row) => query_result(row.map_err(query_error)?, started.elapsed().as_micros()),
                None => Err(QueryError::Unavailable(format!(
                    "no answer within {} s",
                    self.limit.as_secs()
                ))),
            }
        })
    }

    fn pause<'a>(&'a self, long: Duration) -> Pause<'a> {
        Box::pin(time::sleep(long))
    }
}

/// Returns the result in the row of `lms.run`: the body, the tag, whether it is a replay, and the
/// error.
fn query_result(row: Option<Vec<DbValue>>, microseconds: u128) -> Result<QueryResult, QueryError> {
    let odd = |what: &str| QueryError::Unexpected(format!("lms.run answered {what}"));
    let text = |value: DbValue| match value {
        DbValue::Str(text) => Ok(Some(text)),
        DbValue::DbNull => Ok(None),
        // The value itself is left out, because it may be personal data and this text is logged.
        _ => Err(odd("something else for a text")),
    };
    match row.map(<[DbValue; 4]>::try_from) {
        Some(Ok([_, _, _, DbValue::Str(refusal)])) => match serde_json::from_str(&refusal) {
            Ok(refusal) => Err(QueryError::Refused(Box::new(refusal))),
            Err(_) => Err(odd("a refusal that is none")),
        },
        Some(Ok([body, tag, DbValue::Boolean(replayed), DbValue::DbNull])) => Ok(QueryResult {
            body: text(body)?,
            tag: text(tag)?,
            replayed,
            microseconds: microseconds.try_into().unwrap_or(u64::MAX),
        }),
        _ => Err(odd("no row of four columns")),
    }
}

fn query_error(error: Error) -> QueryError {
    match error {
        Error::PgError(PgError::QueryFailed(pg::QueryError::DbError(error))) => {
            let extra = |name: &str| {
                error
                    .extras
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.clone())
            };
            QueryError::Refused(Box::new(DatabaseError {
                constraint: extra("constraint"),
                table: extra("table"),
                column: extra("column"),
                code: error.code,
                message: error.message,
                detail: error.detail,
            }))
        }
        Error::PgError(PgError::QueryFailed(pg::QueryError::Text(text))) => {
            QueryError::Unavailable(text)
        }
        Error::PgError(PgError::ConnectionFailed(text)) => QueryError::Unavailable(text),
        Error::PgError(PgError::Other(text)) => QueryError::Unavailable(text),
        other => QueryError::Unexpected(other.to_string()),
    }
}
