//! Confirming a changed e-mail address. What changes one is `PATCH /v1/users/{id}`; the rule is the database's.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Call, Done, Run};
use platform::declare::field::{Field, Kind};
use platform::http::response::Response;
use platform::sql::sqlstate::settle;
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, json};

use super::attempts;

/// Lets a changed e-mail address take effect.
pub(crate) const CONFIRM: Action = Action {
    method: Method::POST,
    path: "/v1/auth/email/confirm",
    segments: &[],
    operation: "auth.email.confirm",
    summary: "Confirm a changed e-mail address by a one-use token",
    access: Access::Public,
    body: Some(&[Field::new(
        "token",
        Kind::Secret { min: 1, max: 100 },
        "The token that was sent to the new address; it is good for 24 hours.",
    )
    .required()]),
    query: &[],
    answers: Answers {
        status: 204,
        schema: None,
        description: "The address has changed; all sessions have ended, and the former address is told.",
        problems: &[],
    },
    run: Run::Custom(confirm),
};

fn confirm<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let mut arguments = Map::new();
        arguments.insert(
            "token_hash".to_owned(),
            json!(random::digest(call.text("token"))),
        );
        arguments.insert("address".to_owned(), json!(call.address()));
        match call.run(&end(), arguments).await {
            Ok(answer) if answer.body.as_deref() == Some("true") => Ok(Response::empty(204)),
            Ok(_) => Err(attempts::no_code()),
            Err(failure) => settle(failure),
        }
    })
}

fn end() -> Statement {
    Sql::from(
        "-- auth.email.confirm
select
  lms.confirm_email_change(decode($1->>'token_hash', 'hex'), $1->>'address')::text as body,
  null::text as tag",
    )
    .prepared("auth.email.confirm")
}
