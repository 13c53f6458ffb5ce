//! The lifecycle of a webhook: enabling it, disabling it, and replaying events to it. Creating one
//! is in `create`.

use platform::auth::policy::Grant;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::sql::statement::Sql;

use super::{DISABLE_VERB, ENABLE_VERB, REPLAY_VERB, WEBHOOKS};

/// A position in the event log.
const POSITION: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};

/// Enables a webhook.
pub(crate) const ENABLE: Action = Action::post("/v1/webhooks/{id}/enable")
    .id("webhooks.enable")
    .summary("Enable a webhook")
    .granted("webhooks", ENABLE_VERB)
    .responds(ResponseSpec::resource(
        &WEBHOOKS,
        "The active webhook. It receives all events after its position; use replay to skip them.",
    ))
    .sql_for_grant(enable);

/// Disables a webhook.
pub(crate) const DISABLE: Action = Action::post("/v1/webhooks/{id}/disable")
    .id("webhooks.disable")
    .summary("Disable a webhook")
    .granted("webhooks", DISABLE_VERB)
    .responds(ResponseSpec::resource(
        &WEBHOOKS,
        "The disabled webhook. Its position stays the same until it is enabled.",
    ))
    .sql_for_grant(disable);

/// Replays events to a webhook from a position on.
pub(crate) const REPLAY: Action = Action::post("/v1/webhooks/{id}/replay")
    .id("webhooks.replay")
    .summary("Replay events to a webhook")
    .granted("webhooks", REPLAY_VERB)
    .body(&[Field::new(
        "after",
        POSITION,
        "The position in the event log after which to start. An earlier position repeats events, a later one skips events.",
    )
    .required()])
    .responds(ResponseSpec::fields(
        &[Field::new(
            "position",
            POSITION,
            "The new position. Events after it are queued.",
        )
        .required()],
        "The new position. Repeated messages keep their ids.",
    ))
    .sql(REPLAY_SQL);

fn enable(grant: &Grant) -> Sql {
    select_webhook(
        "with r as (
  update lms.webhooks as r
  set
    status = 'active',
    disabled_at = null,
    disabled_reason = null
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
        grant,
    )
}

fn disable(grant: &Grant) -> Sql {
    select_webhook(
        "with r as (
  update lms.webhooks as r
  set
    status = 'disabled',
    disabled_at = coalesce(r.disabled_at, now())
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
        grant,
    )
}

/// Selects the changed webhook as the body, and its version as the tag.
fn select_webhook(change: &'static str, grant: &Grant) -> Sql {
    let mut sql = Sql::from(change);
    projection::returning(&mut sql, &WEBHOOKS);
    sql.push("select\n  ");
    sql.append(&projection::object(&WEBHOOKS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}

const REPLAY_SQL: &str = "select
  json_build_object(
    'position', lms.replay_webhook(($1->>'id')::uuid, ($1->'input'->>'after')::bigint)
  )::text as body,
  null::text as tag";
