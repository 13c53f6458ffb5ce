//! Attempts to authenticate: checking a password, recording a failure, and refusing an invalid
//! code. The limits on attempts are in the database.

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

/// Returns true if the password of an attempt has this hash. If the hash cannot be computed now,
/// the attempt does not count.
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

/// Returns the hash of a new password. If it cannot be computed now, the attempt does not count.
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

/// Withdraws an attempt whose password could not be hashed.
async fn counted<T>(
    context: &ActionContext<'_>,
    attempt: Uuid,
    outcome: Result<T, Problem>,
) -> Result<T, Problem> {
    if outcome.is_err() {
        // An attempt that cannot be withdrawn counts as failed. The client is told of the original
        // cause all the same.
        let _ = end(context, &dropped(), attempt).await;
    }
    outcome
}

/// Records that an attempt has failed. An attempt without a recorded result counts as failed a few
/// seconds later.
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

/// Returns the problem for a code that is unknown, used, replaced or expired.
pub(crate) fn no_code() -> Problem {
    Problem::invalid(vec![FieldError::new(
        "/token",
        "invalid",
        "The token is invalid or has expired. Request a new one.",
    )])
}
