//! Creates a webhook, and rotates its signing secret. The secret is in the response and can be read
//! nowhere else. The other changes of a webhook are in `lifecycle`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::auth::policy::Verb;
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::{ResponseSchema, ResponseSpec};
use platform::http::problem::{self, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::field_error::FieldError;
use platform::values::random;
use serde_json::{Map, Value, json};

use super::{DESCRIPTION, KINDS, ROTATE_SECRET_VERB, URL};

/// The response that holds the secret, which is shown once.
const WITH_SECRET: ResponseSchema = ResponseSchema::Fields(&[
    Field::new("id", Kind::Id, "The webhook.").required(),
    URL,
    Field::new(
        "secret",
        Kind::Text { min: 1, max: 100 },
        "The secret with which messages are signed: `whsec_` followed by base64. It is returned once and never shown again.",
    )
    .required(),
]);

/// Creates a webhook.
pub(crate) const CREATE: Action = Action::post("/v1/webhooks")
    .id("webhooks.create")
    .summary("Create a webhook")
    .granted("webhooks", Verb::Create)
    .body(&[URL, DESCRIPTION, KINDS])
    .responds(
        ResponseSpec::of(
            WITH_SECRET,
            "The id and secret of the webhook. It receives events that occur from now on.",
        )
        .status(201),
    )
    .custom(create);

/// Rotates the secret of a webhook.
pub(crate) const ROTATE_SECRET: Action = Action::post("/v1/webhooks/{id}/rotate-secret")
    .id("webhooks.rotate-secret")
    .summary("Rotate the secret of a webhook")
    .granted("webhooks", ROTATE_SECRET_VERB)
    .responds(ResponseSpec::of(
        WITH_SECRET,
        "The new secret. For 24 hours, messages are signed with the former secret too.",
    ))
    .custom(rotate_secret);

/// A signing secret: 256 random bits.
struct Secret([u8; 32]);

impl Secret {
    fn new() -> Result<Self, Problem> {
        Ok(Self(random::bytes()?))
    }

    /// Returns the secret as the database stores it.
    fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Returns the secret as the client receives it, once.
    fn for_client(&self) -> String {
        format!("whsec_{}", self.base64())
    }
}

/// Creates a webhook. It is a custom handler because the response must hold the secret and the
/// database must not, and the database stores other responses for their idempotency key. The
/// request is safe to repeat, because there is one webhook for each URL.
fn create<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let (id, mut arguments) = (random::id(), context.arguments());
        arguments.insert("id".to_owned(), json!(id));
        arguments.insert("url".to_owned(), json!(checked_url(context)?));
        let response = store_secret(context, insert_statement(), arguments, 201).await?;
        Ok(response.header("location", format!("/v1/webhooks/{id}")))
    })
}

/// Rotates the secret. It is a custom handler for the same reason. The request is safe to repeat,
/// because the latest secret remains and earlier ones sign for a day.
fn rotate_secret<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(store_secret(
        context,
        rotate_statement(),
        context.arguments(),
        200,
    ))
}

/// Returns the URL in its normal form.
fn checked_url(context: &ActionContext<'_>) -> Result<String, Problem> {
    match context
        .settings
        .webhook_networks
        .target(context.text("url"))
    {
        Ok(url) => Ok(url.into()),
        Err((code, detail)) => Err(Problem::invalid(vec![FieldError::new(
            "/url", code, detail,
        )])),
    }
}

/// Runs the statement that stores a new secret, and returns its result together with that secret.
async fn store_secret(
    context: &ActionContext<'_>,
    statement: Statement,
    mut arguments: Map<String, Value>,
    status: u16,
) -> Result<Response, Problem> {
    let secret = Secret::new()?;
    arguments.insert("secret".to_owned(), json!(secret.base64()));
    let body = match context.run(&statement, arguments).await {
        Ok(result) => result.body,
        Err(error) => return into_response(error),
    };
    let body = body.ok_or_else(|| Problem::new(problem::Kind::NotFound))?;
    let mut body: Map<String, Value> =
        serde_json::from_str(&body).map_err(|error| Problem::unreadable(&error))?;
    body.insert("secret".to_owned(), json!(secret.for_client()));
    Ok(Response::json(status, Value::Object(body).to_string()))
}

fn insert_statement() -> Statement {
    Statement::named(
        "webhooks.create",
        "with r as (
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
}

fn rotate_statement() -> Statement {
    Statement::named(
        "webhooks.rotate-secret",
        "select
  json_build_object('id', r.id, 'url', r.url)::text as body,
  null::text as tag
from lms.rotate_webhook_secret(($1->>'id')::uuid, decode($1->>'secret', 'base64')) as r",
    )
}
