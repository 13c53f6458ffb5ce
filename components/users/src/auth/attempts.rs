//! Attempts to prove who one is: how one that failed is written down, and what a code that is none is answered.

use platform::action::Call;
use platform::database::{Answer, Failure};
use platform::problem::{FieldError, Problem};
use platform::sql::{Sql, Statement};
use serde_json::{Map, json};
use uuid::Uuid;

/// Writes down that an attempt has failed. One of which nobody says so counts as failed a few seconds later.
pub(crate) async fn failed(call: &Call<'_>, attempt: Uuid) -> Result<Answer, Failure> {
    let mut arguments = Map::new();
    arguments.insert("attempt_id".to_owned(), json!(attempt));
    call.run(&statement(), arguments).await
}

fn statement() -> Statement {
    Sql::from(
        "-- auth.attempt_failed
select
  lms.attempt_failed(($1->>'attempt_id')::uuid)::text as body,
  null::text as tag",
    )
    .prepared("auth.attempt_failed")
}

/// The answer to a code that was made up, used, replaced by another or left for too long.
pub(crate) fn no_code() -> Problem {
    Problem::invalid(vec![FieldError::new(
        "/token",
        "invalid",
        "This token isn't good, or not any more. Ask for a new one.",
    )])
}
