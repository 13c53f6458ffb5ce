//! Confirms a changed e-mail address. The change itself is a `PATCH /v1/users/{id}`, and the
//! database decides when it needs a confirmation.

use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::response::Response;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Map, json};

use super::attempts;

/// Confirms a changed e-mail address.
pub(crate) const CONFIRM: Action = Action::post("/v1/auth/email/confirm")
    .id("auth.email.confirm")
    .summary("Confirm a change of e-mail address")
    .public()
    .body(&[Field::new(
        "token",
        Kind::Secret { min: 1, max: 100 },
        "The single-use token that was sent to the new address. Valid for 24 hours.",
    )
    .required()])
    .responds(ResponseSpec::none(
        "The address has changed. All sessions have ended, and the former address is notified.",
    ))
    .custom(confirm);

fn confirm<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let mut arguments = Map::new();
        arguments.insert(
            "token_hash".to_owned(),
            json!(random::digest(context.text("token"))),
        );
        arguments.insert("address".to_owned(), json!(context.address()));
        match context.run(&end(), arguments).await {
            Ok(answer) if answer.body.as_deref() == Some("true") => Ok(Response::empty(204)),
            Ok(_) => Err(attempts::invalid_token()),
            Err(error) => into_response(error),
        }
    })
}

fn end() -> Statement {
    Statement::named(
        "auth.email.confirm",
        "select
  lms.confirm_email_change(decode($1->>'token_hash', 'hex'), $1->>'address')::text as body,
  null::text as tag",
    )
}
