//! Changing and resetting passwords.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Call, Done, Run};
use platform::declare::field::{Field, Kind};
use platform::http::problem::Problem;
use platform::http::response::Response;
use platform::sql::sqlstate::settle;
use platform::sql::statement::{Sql, Statement};
use platform::values::email;
use platform::values::field_error::FieldError;
use platform::values::random;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attempts;
use crate::password;

/// Changes one's own password and ends all other sessions.
pub(crate) const CHANGE: Action = Action {
    method: Method::POST,
    path: "/v1/auth/password",
    segments: &[],
    operation: "auth.password.change",
    summary: "Change one's own password",
    access: Access::SignedIn,
    body: Some(&[
        Field::new(
            "current",
            Kind::Password { min: 1, max: 128 },
            "The current password.",
        )
        .required(),
        Field::new("new", password::KIND, "The new password.").required(),
    ]),
    query: &[],
    answers: Answers {
        status: 204,
        schema: None,
        description: "The password is changed; all other sessions have ended.",
        problems: &[429],
    },
    run: Run::Custom(change),
};

/// Sends a one-use token to the user, if there is one.
pub(crate) const RESET: Action = Action {
    method: Method::POST,
    path: "/v1/auth/password-reset",
    segments: &[],
    operation: "auth.password.reset",
    summary: "Ask for a password reset",
    access: Access::Public,
    body: Some(&[
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
    ]),
    query: &[],
    answers: Answers {
        status: 202,
        schema: None,
        description: "Always the same, whether there is such an account or not: if there is one, it is sent a token that is good for \
                      30 minutes, and earlier ones end.",
        problems: &[],
    },
    run: Run::Prepared(prepare_reset, reset),
};

/// Sets a password by a one-use token.
pub(crate) const CONFIRM: Action = Action {
    method: Method::POST,
    path: "/v1/auth/password-reset/confirm",
    segments: &[],
    operation: "auth.password.confirm",
    summary: "Set a password by a one-use token",
    access: Access::Public,
    body: Some(&[
        Field::new(
            "token",
            Kind::Secret { min: 1, max: 100 },
            "The token that was sent.",
        )
        .required(),
        Field::new("password", password::KIND, "The new password.").required(),
    ]),
    query: &[],
    answers: Answers {
        status: 204,
        schema: None,
        description: "The password is set; all sessions have ended.",
        problems: &[],
    },
    run: Run::Custom(confirm),
};

/// What the database gives to check the current password against.
#[derive(Deserialize)]
struct Attempt {
    attempt_id: Uuid,
    password_hash: Option<String>,
}

fn change<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        password::refuse_common("/new", call.text("new"))?;
        let mut arguments = Map::new();
        arguments.insert("address".to_owned(), json!(call.address()));
        let answer = match call.run(&begin(), arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let attempt: Attempt = serde_json::from_str(&answer.body.unwrap_or_default())
            .map_err(|error| Problem::unreadable(&error))?;
        let asker = call.asker("");
        let right = attempts::is_right(
            call,
            &asker,
            attempt.attempt_id,
            call.text("current"),
            attempt.password_hash.as_deref(),
        );
        if !right.await? {
            if let Err(failure) = attempts::failed(call, attempt.attempt_id).await {
                return settle(failure);
            }
            return Err(Problem::invalid(vec![FieldError::new(
                "/current",
                "wrong_password",
                "This isn't the current password.",
            )]));
        }
        let new = ("/new", call.text("new"));
        let hash = attempts::hashed(call, &asker, attempt.attempt_id, new).await?;
        let mut arguments = Map::new();
        arguments.insert("attempt_id".to_owned(), json!(attempt.attempt_id));
        arguments.insert("password_hash".to_owned(), json!(hash));
        match call.run(&end(), arguments).await {
            Ok(_) => Ok(Response::empty(204)),
            Err(failure) => settle(failure),
        }
    })
}

fn begin() -> Statement {
    Sql::from(
        "-- auth.password.begin
select
  row_to_json(r)::text as body,
  null::text as tag
from lms.begin_password_change($1->>'address') as r",
    )
    .prepared("auth.password.begin")
}

fn end() -> Statement {
    Sql::from(
        "-- auth.password.end
select
  lms.complete_password_change(($1->>'attempt_id')::uuid, $1->>'password_hash')::text as body,
  null::text as tag",
    )
    .prepared("auth.password.end")
}

fn prepare_reset(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let mut arguments = Map::new();
    arguments.insert("tenant".to_owned(), json!(call.text("tenant")));
    arguments.insert("email".to_owned(), json!(email::lookup(call.text("email"))));
    arguments.insert("address".to_owned(), json!(call.address()));
    Ok(arguments)
}

fn reset(_: &Grant) -> Statement {
    Sql::from(
        "-- auth.password.reset
select
  lms.request_password_reset($1->>'tenant', $1->>'email', $1->>'address')::text as body,
  null::text as tag",
    )
    .prepared("auth.password.reset")
}

/// The token is looked up before the password is hashed, so that one that was made up costs no more than the look-up.
fn confirm<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        password::refuse_common("/password", call.text("password"))?;
        let token_hash = random::digest(call.text("token"));
        let mut arguments = Map::new();
        arguments.insert("token_hash".to_owned(), json!(token_hash));
        arguments.insert("address".to_owned(), json!(call.address()));
        let checked = match call.run(&check(), arguments).await {
            Ok(answer) => answer.body,
            Err(failure) => return settle(failure),
        };
        let Some(attempt) = checked.and_then(|id| id.parse().ok()) else {
            return Err(attempts::no_code());
        };
        let new = ("/password", call.text("password"));
        let hash = attempts::hashed(call, &call.asker(&token_hash), attempt, new).await?;
        let mut arguments = Map::new();
        arguments.insert("token_hash".to_owned(), json!(token_hash));
        arguments.insert("password_hash".to_owned(), json!(hash));
        match call.run(&set(), arguments).await {
            Ok(answer) if answer.body.as_deref() == Some("true") => Ok(Response::empty(204)),
            Ok(_) => Err(attempts::no_code()),
            Err(failure) => settle(failure),
        }
    })
}

fn check() -> Statement {
    Sql::from(
        "-- auth.password.check
select
  lms.begin_password_reset(decode($1->>'token_hash', 'hex'), $1->>'address')::text as body,
  null::text as tag",
    )
    .prepared("auth.password.check")
}

fn set() -> Statement {
    Sql::from(
        "-- auth.password.confirm
select
  lms.complete_password_reset(decode($1->>'token_hash', 'hex'), $1->>'password_hash')::text as body,
  null::text as tag",
    )
    .prepared("auth.password.confirm")
}
