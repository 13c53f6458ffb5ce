//! The secret of a calendar feed: creating or replacing it, reading its state, and revoking it.
//! Reading the calendar itself is in `subscription`.

use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::response::Response;
use platform::settings::Settings;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Map, json};

/// Creates the feed URL, or replaces the existing one.
pub(crate) const CREATE: Action = Action::post("/v1/calendar/feed")
    .id("calendar.feed.create")
    .summary("Create a calendar feed URL")
    .signed_in()
    .responds(
        ResponseSpec::fields(
            &[Field::new(
                "url",
                Kind::Text { min: 1, max: 2048 },
                "The URL to subscribe to. It is returned once and never shown again. Anyone who has it can read the calendar.",
            )
            .required()],
            "The feed URL. An earlier URL stops working.",
        )
        .status(201),
    )
    .custom(create);

/// Gets the state of the feed.
pub(crate) const GET: Action = Action::get("/v1/calendar/feed")
    .id("calendar.feed.get")
    .summary("Get the state of the calendar feed")
    .signed_in()
    .responds(
        ResponseSpec::fields(
            &[
                Field::new("active", Kind::Boolean, "Whether a feed URL exists.").required(),
                Field::new(
                    "created_at",
                    Kind::Time,
                    "The time at which the feed URL was created. Null if there is none.",
                )
                .nullable()
                .required(),
            ],
            "Whether a feed URL exists, and since when.",
        )
        .problems(&[304, 404]),
    )
    .sql(GET_SQL);

/// Revokes the feed URL.
pub(crate) const REVOKE: Action = Action::delete("/v1/calendar/feed")
    .id("calendar.feed.delete")
    .summary("Revoke the calendar feed URL")
    .signed_in()
    .responds(ResponseSpec::none("The feed URL no longer works.").problems(&[404]))
    .sql(REVOKE_SQL);

/// Creates the secret. It is a custom handler because the response must hold the secret and the
/// database must not, and the database stores other responses for their idempotency key. The
/// request is safe to repeat, because the latest URL is the one that works.
fn create<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let token = random::token()?;
        let mut arguments = Map::new();
        arguments.insert("id".to_owned(), json!(random::id()));
        arguments.insert("token_hash".to_owned(), json!(random::digest(&token)));
        match context.run(&store_statement(), arguments).await {
            Ok(_) => {
                let body = json!({"url": feed_url(context.settings, &token)});
                Ok(Response::json(201, body.to_string()))
            }
            Err(error) => into_response(error),
        }
    })
}

/// Returns the feed URL. Without a base URL for this region in the settings, it is relative to the
/// URL of the request.
fn feed_url(settings: &Settings, token: &str) -> String {
    let base = settings.base_urls.get(&settings.region);
    let base = base.map_or("", |base| base.trim_end_matches('/'));
    format!("{base}/v1/calendar/feed.ics?token={token}")
}

fn store_statement() -> Statement {
    Statement::named(
        "calendar.feed.create",
        "insert into lms.calendar_feeds as r (id, user_id, token_hash)
values (
  ($1->>'id')::uuid,
  current_setting('app.user_id')::uuid,
  decode($1->>'token_hash', 'hex')
)
on conflict (tenant_id, user_id) where deleted_at is null do update
set token_hash = decode($1->>'token_hash', 'hex')
returning
  '' as body,
  null::text as tag",
    )
}

const GET_SQL: &str = "select
  json_build_object(
    'active', r.id is not null,
    'created_at', lms.utc(r.updated_at)
  )::text as body,
  null::text as tag
from (select current_setting('app.user_id')::uuid as id) as caller
left join lms.calendar_feeds as r
  on r.user_id = caller.id
  and r.deleted_at is null";

const REVOKE_SQL: &str = "with ended as (
  update lms.calendar_feeds as r
  set deleted_at = now()
  where r.user_id = current_setting('app.user_id')::uuid
    and r.deleted_at is null
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended";
