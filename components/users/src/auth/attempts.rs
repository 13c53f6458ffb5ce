//! Attempts to prove who one is: how a password is checked, how one that failed is written down, and what a code that is none is answered.

use platform::declare::action_context::ActionContext;
use platform::http::asker::Asker;
use platform::http::problem::Problem;
use platform::sql::database::QueryResult;
use platform::sql::error::QueryError;
use platform::sql::statement::Statement;
use platform::values::field_error::FieldError;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::password;

/// Returns whether the password of an attempt has this hash. When nobody has time to look, the attempt counts for nothing.
///
/// # Errors
///
/// 503 when too many are being hashed.
pub(crate) async fn is_right(
    context: &ActionContext<'_>,
    asker: &Asker,
    attempt: Uuid,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    let checked = password::matches(asker, password, hash).await;
    counted(context, attempt, checked).await
}

/// Returns the hash of a new password. When nobody has time to make it, the attempt counts for nothing.
///
/// # Errors
///
/// 503 when too many are being hashed.
pub(crate) async fn hashed(
    context: &ActionContext<'_>,
    asker: &Asker,
    attempt: Uuid,
    (pointer, password): (&str, &str),
) -> Result<String, Problem> {
    let hashed = password::hash(asker, pointer, password).await;
    counted(context, attempt, hashed).await
}

/// Takes an attempt back that came to nothing.
async fn counted<T>(
    context: &ActionContext<'_>,
    attempt: Uuid,
    outcome: Result<T, Problem>,
) -> Result<T, Problem> {
    if outcome.is_err() {
        // One that can't be taken back counts as failed: the client is told of the cause all the same.
        let _ = end(context, &dropped(), attempt).await;
    }
    outcome
}

/// Writes down that an attempt has failed. One of which nobody says so counts as failed a few seconds later.
pub(crate) async fn failed(
    context: &ActionContext<'_>,
    attempt: Uuid,
) -> Result<QueryResult, QueryError> {
    end(context, &written(), attempt).await
}

async fn end(
    context: &ActionContext<'_>,
    statement: &Statement,
    attempt: Uuid,
) -> Result<QueryResult, QueryError> {
    let mut arguments = Map::new();
    arguments.insert("attempt_id".to_owned(), json!(attempt));
    context.run(statement, arguments).await
}

fn dropped() -> Statement {
    Statement::named(
        "auth.attempt_dropped",
        "select
  lms.discard_attempt(($1->>'attempt_id')::uuid)::text as body,
  null::text as tag",
    )
}

fn written() -> Statement {
    Statement::named(
        "auth.attempt_failed",
        "select
  lms.record_failed_attempt(($1->>'attempt_id')::uuid)::text as body,
  null::text as tag",
    )
}

/// The answer to a code that was made up, used, replaced by another or left for too long.
pub(crate) fn no_code() -> Problem {
    Problem::invalid(vec![FieldError::new(
        "/token",
        "invalid",
        "The token is invalid or has expired. Request a new one.",
    )])
}
