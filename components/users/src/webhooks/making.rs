//! Making a webhook, and giving it another secret. The secret is in the answer and nowhere else that can be read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use platform::auth::policy::{Access, Verb};
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{self, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate::settle;
use platform::sql::statement::{Sql, Statement};
use platform::values::field_error::FieldError;
use platform::values::random;
use serde_json::{Map, Value, json};

use super::{DESCRIPTION, KINDS, ROTATE, URL};

/// What is answered once.
const MADE: Shape = Shape::Fields(&[
    Field::new("id", Kind::Id, "The webhook.").required(),
    URL,
    Field::new(
        "secret",
        Kind::Text { min: 1, max: 100 },
        "What messages are signed with: whsec_ and base64. It is answered once and never shown again.",
    )
    .required(),
]);

/// Makes a webhook.
pub(crate) const CREATE: Action = Action {
    method: Method::POST,
    path: "/v1/webhooks",
    segments: &[],
    operation: "webhooks.create",
    summary: "Create a webhook",
    access: Access::Granted {
        resource: "webhooks",
        verb: Verb::Create,
    },
    body: Some(&[URL, DESCRIPTION, KINDS]),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(MADE),
        description: "The webhook's id and its secret. It is told of what happens from now on.",
        problems: &[],
    },
    run: Run::Custom(make),
};

/// Gives a webhook another secret.
pub(crate) const ROTATE_SECRET: Action = Action {
    method: Method::POST,
    path: "/v1/webhooks/{id}/rotate-secret",
    segments: &[],
    operation: "webhooks.rotate-secret",
    summary: "Give a webhook a new secret",
    access: Access::Granted {
        resource: "webhooks",
        verb: ROTATE,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(MADE),
        description: "The new secret. For 24 hours messages are signed with the former one too.",
        problems: &[],
    },
    run: Run::Custom(rotate),
};

/// 256 random bits.
struct Secret([u8; 32]);

impl Secret {
    fn new() -> Result<Self, Problem> {
        Ok(Self(random::bytes()?))
    }

    /// As the database takes it.
    fn encoded(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// As it is shown, once.
    fn shown(&self) -> String {
        format!("whsec_{}", self.encoded())
    }
}

/// By hand, because the secret is to be in the answer and must not be in the database, where answers are kept for an
/// idempotency key. It is safe to repeat: of one URL there is one webhook.
fn make<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let (id, mut arguments) = (random::id(), call.arguments());
        arguments.insert("id".to_owned(), json!(id));
        arguments.insert("url".to_owned(), json!(target(call)?));
        let response = answer(call, create(), arguments, 201).await?;
        Ok(response.header("location", format!("/v1/webhooks/{id}")))
    })
}

/// By hand for the same reason. It is safe to repeat: the last secret is the one that goes on, and those before it sign for a day.
fn rotate<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(answer(call, replace(), call.arguments(), 200))
}

/// The URL in its normal form.
fn target(call: &Call<'_>) -> Result<String, Problem> {
    match call.settings.webhook_networks.target(call.text("url")) {
        Ok(url) => Ok(url.into()),
        Err((code, detail)) => Err(Problem::invalid(vec![FieldError::new(
            "/url", code, detail,
        )])),
    }
}

/// What the statement answers, which stores a new secret, together with that secret.
async fn answer(
    call: &Call<'_>,
    statement: Statement,
    mut arguments: Map<String, Value>,
    status: u16,
) -> Result<Response, Problem> {
    let secret = Secret::new()?;
    arguments.insert("secret".to_owned(), json!(secret.encoded()));
    let body = match call.run(&statement, arguments).await {
        Ok(answer) => answer.body,
        Err(failure) => return settle(failure),
    };
    let body = body.ok_or_else(|| Problem::new(problem::Kind::NotFound))?;
    let mut body: Map<String, Value> =
        serde_json::from_str(&body).map_err(|error| Problem::unreadable(&error))?;
    body.insert("secret".to_owned(), json!(secret.shown()));
    Ok(Response::json(status, Value::Object(body).to_string()))
}

fn create() -> Statement {
    Sql::from(
        "-- webhooks.create
with r as (
  insert into lms.webhooks as r (id, url, description, kinds)
  values (
    ($1->>'id')::uuid,
    $1->>'url',
    $1->'input'->>'description',
    coalesce($1->'input'->'kinds', '[]'::jsonb)
  )
  returning r.id, r.url
), signed as (
  insert into lms.webhook_secrets (webhook_id, secret)
  select r.id, decode($1->>'secret', 'base64')
  from r
)
select
  json_build_object('id', r.id, 'url', r.url)::text as body,
  null::text as tag
from r",
    )
    .prepared("webhooks.create")
}

fn replace() -> Statement {
    Sql::from(
        "-- webhooks.rotate-secret
select
  json_build_object('id', r.id, 'url', r.url)::text as body,
  null::text as tag
from lms.rotate_webhook_secret(($1->>'id')::uuid, decode($1->>'secret', 'base64')) as r",
    )
    .prepared("webhooks.rotate-secret")
}
