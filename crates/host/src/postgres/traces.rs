//! The spans of a guest's statements, and of its waits for a connection, by OpenTelemetry's semantic
//! conventions for databases. A span has neither parameters nor the text of its statement.

use std::borrow::Cow;
use std::pin::pin;
use std::task::Poll;

use opentelemetry::KeyValue;
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status};

use super::transaction::{after_comments, word};
use super::types::{DbError, Error, QueryError};
use crate::request_trace::RequestTrace;

/// The maximum length of a statement's name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The span of a statement or of a wait, if its request is recorded. It ends with this value, unless
/// it has been ended before.
#[derive(Default)]
pub(crate) struct DatabaseSpan(Option<BoxedSpan>);

impl DatabaseSpan {
    /// Begins the span of a statement in a request.
    pub(crate) fn begin(request: Option<RequestTrace>, sql: &str) -> Self {
        Self(request.map(|request| {
            let operation = word(after_comments(sql)).to_ascii_uppercase();
            let summary = summary(sql, &operation);
            let span = SpanBuilder::from_name(summary.clone())
                .with_kind(SpanKind::Client)
                .with_attributes([
                    KeyValue::new("db.system.name", "postgresql"),
                    KeyValue::new("db.operation.name", operation),
                    KeyValue::new("db.query.summary", summary),
                ]);
            request.begin_child(span)
        }))
    }

    /// Begins the span of a wait for a connection in a request.
    fn begin_wait(request: Option<RequestTrace>) -> Self {
        Self(request.map(|request| {
            let span = SpanBuilder::from_name("wait for connection")
                .with_kind(SpanKind::Internal)
                .with_attributes([KeyValue::new("db.system.name", "postgresql")]);
            request.begin_child(span)
        }))
    }

    /// Ends the span with the outcome.
    pub(crate) fn end<T>(&mut self, outcome: &Result<T, Error>) {
        let (Some(mut span), Err(error)) = (self.0.take(), outcome) else {
            return;
        };
        if let Some(code) = sqlstate(error) {
            span.set_attribute(KeyValue::new("db.response.status_code", code.to_owned()));
        }
        span.set_attribute(KeyValue::new("error.type", error_type(error)));
        span.set_status(Status::error(""));
    }
}

/// Takes a connection from a pool. If it has to wait for one, that is a span of the request.
pub(crate) async fn wait_for_connection<T>(
    request: Option<RequestTrace>,
    taking: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut taking = pin!(taking);
    if let Poll::Ready(taken) = futures::poll!(taking.as_mut()) {
        return taken;
    }
    let mut span = DatabaseSpan::begin_wait(request);
    let taken = taking.await;
    span.end(&taken);
    taken
}

/// Returns what a statement does, in few words: its name if a comment before it is one, or else its
/// operation with the procedure that it calls. Anything else in its text might be a value.
fn summary(sql: &str, operation: &str) -> String {
    if let Some(name) = name(sql) {
        return name.to_owned();
    }
    if operation != "CALL" {
        return operation.to_owned();
    }
    let rest = after_comments(
        after_comments(sql)
            .get(operation.len()..)
            .unwrap_or_default(),
    );
    let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
    format!("CALL {}", rest.get(..end).unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// Returns the name of a statement: a comment before it that consists of one word.
fn name(sql: &str) -> Option<&str> {
    let sql = sql.trim_start();
    let comment = match sql.strip_prefix("--") {
        Some(line) => line.lines().next()?,
        None => sql.strip_prefix("/*")?.split_once("*/")?.0,
    };
    let name = comment.trim();
    ((1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(is_of_name)).then_some(name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-')
}

fn sqlstate(error: &Error) -> Option<&str> {
    match error {
        Error::QueryFailed(QueryError::DbError(DbError { code, .. })) => Some(code),
        _ => None,
    }
}

fn error_type(error: &Error) -> Cow<'static, str> {
    match error {
        Error::QueryFailed(QueryError::DbError(error)) => error.code.clone().into(),
        Error::QueryFailed(QueryError::Text(_)) => "query_failed".into(),
        Error::ConnectionFailed(_) => "connection_failed".into(),
        Error::BadParameter(_) => "bad_parameter".into(),
        Error::ValueConversionFailed(_) => "value_conversion_failed".into(),
        Error::Other(_) => "_OTHER".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_summarised_without_its_values() {
        for (sql, expected) in [
            ("call lms.run($1, $2)", "CALL lms.run"),
            ("CALL run('x')", "CALL run"),
            ("call", "CALL"),
            ("-- time_zones\nselect 'Ana'", "time_zones"),
            (
                "/* worker::queue::claim */ select 1",
                "worker::queue::claim",
            ),
            ("-- the pupil Ana\nselect 1", "SELECT"),
            ("/* never closed", ""),
            ("select * from lms.users where name = 'Ana'", "SELECT"),
            ("insert into t values ('Ana')", "INSERT"),
        ] {
            let operation = word(after_comments(sql)).to_ascii_uppercase();
            assert_eq!(summary(sql, &operation), expected, "{sql}");
        }
    }
}
