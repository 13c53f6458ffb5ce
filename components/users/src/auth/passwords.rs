//! Changes and resets passwords. The hashes are computed by the component `passwords`, which
//! [`crate::password`] calls.

use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::Problem;
use platform::http::response::Response;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::email;
use platform::values::field_error::FieldError;
use platform::values::random;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attempts;
use crate::password;

/// Changes the caller's password and ends all other sessions.
pub(crate) const CHANGE: Action = Action::post("/v1/auth/password")
    .id("auth.password.change")
    .summary("Change your password")
    .signed_in()
    .body(&[
        Field::new(
            "current",
            Kind::Password { min: 1, max: 128 },
            "The current password.",
        )
        .required(),
        Field::new("new", domain::password::KIND, "The new password.").required(),
    ])
    .responds(
        ResponseSpec::none("The password has changed. All other sessions have ended.")
            .problems(&[429]),
    )
    .custom(change);

/// Sends a one-use token to the user, if there is one.
pub(crate) const RESET: Action = Action::post("/v1/auth/password-reset")
    .id("auth.password.reset")
    .summary("Request a password reset")
    .public()
    .body(&[
        Field::new(
            "tenant",
            Kind::Text { min: 1, max: 63 },
            "The tenant's slug.",
        )
        .required(),
        Field::new(
            "email",
            Kind::Text { min: 1, max: 254 },
            "The user's e-mail address.",
        )
        .required(),
    ])
    .responds(
        ResponseSpec::none(
            "The response is the same whether or not the account exists. If it does, a token valid for 30 minutes is \
             sent to it and earlier tokens stop working.",
        )
        .status(202),
    )
    .prepared_by(prepare_reset)
    .sql(RESET_SQL);

/// Sets a password by a one-use token.
pub(crate) const CONFIRM: Action = Action::post("/v1/auth/password-reset/confirm")
    .id("auth.password.confirm")
    .summary("Confirm a password reset")
    .public()
    .body(&[
        Field::new(
            "token",
            Kind::Secret { min: 1, max: 100 },
            "The single-use token that was sent to the user.",
        )
        .required(),
        Field::new("password", domain::password::KIND, "The new password.").required(),
    ])
    .responds(ResponseSpec::none(
        "The password is set. All sessions have ended.",
    ))
    .custom(confirm);

/// The data by which the current password is checked.
#[derive(Deserialize)]
struct Attempt {
    attempt_id: Uuid,
    password_hash: Option<String>,
}

fn change<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        password::refuse_common("/new", context.text("new"))?;
        let mut arguments = Map::new();
        arguments.insert("address".to_owned(), json!(context.address()));
        let answer = match context.run(&begin(), arguments).await {
            Ok(answer) => answer,
            Err(error) => return into_response(error),
        };
        let attempt: Attempt = serde_json::from_str(&answer.body.unwrap_or_default())
            .map_err(|error| Problem::unreadable(&error))?;
        let requester = context.requester("");
        let right = attempts::verify_password(
            context,
            &requester,
            attempt.attempt_id,
            context.text("current"),
            attempt.password_hash.as_deref(),
        );
        if !right.await? {
            if let Err(error) = attempts::record_failure(context, attempt.attempt_id).await {
                return into_response(error);
            }
            return Err(Problem::invalid(vec![FieldError::new(
                "/current",
                "wrong_password",
                "The current password is wrong.",
            )]));
        }
        let new = ("/new", context.text("new"));
        let hash = attempts::hash_password(context, &requester, attempt.attempt_id, new).await?;
        let mut arguments = Map::new();
        arguments.insert("attempt_id".to_owned(), json!(attempt.attempt_id));
        arguments.insert("password_hash".to_owned(), json!(hash));
        match context.run(&end(), arguments).await {
            Ok(_) => Ok(Response::empty(204)),
            Err(error) => into_response(error),
        }
    })
}

fn begin() -> Statement {
    Statement::named(
        "auth.password.begin",
        "select
  row_to_json(r)::text as body,
  null::text as tag
from lms.begin_password_change($1->>'address') as r",
    )
}

fn end() -> Statement {
    Statement::named(
        "auth.password.end",
        "select
  lms.complete_password_change(($1->>'attempt_id')::uuid, $1->>'password_hash')::text as body,
  null::text as tag",
    )
}

fn prepare_reset(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let mut arguments = Map::new();
    arguments.insert("tenant".to_owned(), json!(context.text("tenant")));
    arguments.insert(
        "email".to_owned(),
        json!(email::lookup(context.text("email"))),
    );
    arguments.insert("address".to_owned(), json!(context.address()));
    Ok(arguments)
}

const RESET_SQL: &str = "select
  lms.request_password_reset($1->>'tenant', $1->>'email', $1->>'address')::text as body,
  null::text as tag";

/// Sets a password by a one-use token. The token is looked up before the password is hashed, so
/// that an invalid token costs no more than the look-up.
fn confirm<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        password::refuse_common("/password", context.text("password"))?;
        let token_hash = random::digest(context.text("token"));
        let mut arguments = Map::new();
        arguments.insert("token_hash".to_owned(), json!(token_hash));
        arguments.insert("address".to_owned(), json!(context.address()));
        let checked = match context.run(&check(), arguments).await {
            Ok(answer) => answer.body,
            Err(error) => return into_response(error),
        };
        let Some(attempt) = checked.and_then(|id| id.parse().ok()) else {
            return Err(attempts::invalid_token());
        };
        let new = ("/password", context.text("password"));
        let hash =
            attempts::hash_password(context, &context.requester(&token_hash), attempt, new).await?;
        let mut arguments = Map::new();
        arguments.insert("token_hash".to_owned(), json!(token_hash));
        arguments.insert("password_hash".to_owned(), json!(hash));
        match context.run(&set(), arguments).await {
            Ok(answer) if answer.body.as_deref() == Some("true") => Ok(Response::empty(204)),
            Ok(_) => Err(attempts::invalid_token()),
            Err(error) => into_response(error),
        }
    })
}

fn check() -> Statement {
    Statement::named(
        "auth.password.check",
        "select
  lms.begin_password_reset(decode($1->>'token_hash', 'hex'), $1->>'address')::text as body,
  null::text as tag",
    )
}

fn set() -> Statement {
    Statement::named(
        "auth.password.confirm",
        "select
  lms.complete_password_reset(decode($1->>'token_hash', 'hex'), $1->>'password_hash')::text as body,
  null::text as tag",
    )
}
