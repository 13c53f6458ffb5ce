//! Attempts to authenticate: checking a password, recording a failure, and refusing an invalid
//! code. The limits on attempts are in the database.

use platform::declare::action_context::ActionContext;
use platform::http::problem::Problem;
use platform::http::requester::Requester;
use platform::sql::database::QueryResult;
use platform::sql::error::QueryError;
use platform::sql::statement::Statement;
use platform::values::field_error::FieldError;
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{hashing, password};

/// Returns true if the password of an attempt has this hash. If the hash cannot be computed now,
/// the attempt does not count.
///
/// # Errors
///
/// 503 when too many passwords are being hashed.
pub(crate) async fn verify_password(
    context: &ActionContext<'_>,
    requester: &Requester,
    attempt: Uuid,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    let checked = hashing::matches(requester, password, hash).await;
    withdraw_on_error(context, attempt, checked).await
}

/// Returns the hash of a new password. If it cannot be computed now, the attempt does not count.
///
/// # Errors
///
/// 503 when too many passwords are being hashed.
pub(crate) async fn hash_password(
    context: &ActionContext<'_>,
    requester: &Requester,
    attempt: Uuid,
    (pointer, password): (&str, &str),
) -> Result<String, Problem> {
    let hashed = password::hash(requester, pointer, password).await;
    withdraw_on_error(context, attempt, hashed).await
}

/// Withdraws an attempt whose password could not be hashed.
async fn withdraw_on_error<T>(
    context: &ActionContext<'_>,
    attempt: Uuid,
    outcome: Result<T, Problem>,
) -> Result<T, Problem> {
    if outcome.is_err() {
        // An attempt that cannot be withdrawn counts as failed. The client is told of the original
        // cause all the same.
        let _ = run_for_attempt(context, &withdrawal_statement(), attempt).await;
    }
    outcome
}

/// Records that an attempt has failed. An attempt without a recorded result counts as failed a few
/// seconds later.
pub(crate) async fn record_failure(
    context: &ActionContext<'_>,
    attempt: Uuid,
) -> Result<QueryResult, QueryError> {
    run_for_attempt(context, &failure_statement(), attempt).await
}

async fn run_for_attempt(
    context: &ActionContext<'_>,
    statement: &Statement,
    attempt: Uuid,
) -> Result<QueryResult, QueryError> {
    let mut arguments = Map::new();
    arguments.insert("attempt_id".to_owned(), json!(attempt));
    context.run(statement, arguments).await
}

fn withdrawal_statement() -> Statement {
    Statement::named(
        "auth.discard_attempt",
        "select
  lms.discard_attempt(($1->>'attempt_id')::uuid)::text as body,
  null::text as tag",
    )
}

fn failure_statement() -> Statement {
    Statement::named(
        "auth.record_failed_attempt",
        "select
  lms.record_failed_attempt(($1->>'attempt_id')::uuid)::text as body,
  null::text as tag",
    )
}

/// Returns the problem for a code that is unknown, used, replaced or expired.
pub(crate) fn invalid_token() -> Problem {
    Problem::invalid(vec![FieldError::new(
        "/token",
        "invalid",
        "The token is invalid or has expired. Request a new one.",
    )])
}
