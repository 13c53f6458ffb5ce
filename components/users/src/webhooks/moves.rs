//! Letting a webhook be told of events or not, and from where on.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::statements::projection::{self, Depth};
use platform::sql::statement::{Sql, Statement};

use super::{DISABLE as DISABLE_VERB, ENABLE as ENABLE_VERB, REPLAY as REPLAY_VERB, WEBHOOKS};

/// A position in the log.
const POSITION: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};

/// Lets a webhook be told of events again.
pub(crate) const ENABLE: Action = Action {
    method: Method::POST,
    path: "/v1/webhooks/{id}/enable",
    segments: &[],
    operation: "webhooks.enable",
    summary: "Enable a webhook",
    access: Access::Granted {
        resource: "webhooks",
        verb: ENABLE_VERB,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&WEBHOOKS)),
        description: "The webhook, active. It is told of everything behind its position; see replay to leave that out.",
        problems: &[],
    },
    run: Run::View(enable),
};

/// Stops a webhook from being told of events.
pub(crate) const DISABLE: Action = Action {
    method: Method::POST,
    path: "/v1/webhooks/{id}/disable",
    segments: &[],
    operation: "webhooks.disable",
    summary: "Disable a webhook",
    access: Access::Granted {
        resource: "webhooks",
        verb: DISABLE_VERB,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&WEBHOOKS)),
        description: "The webhook, disabled. Its position stands until it is enabled.",
        problems: &[],
    },
    run: Run::View(disable),
};

/// Has a webhook told from a position on.
pub(crate) const REPLAY: Action = Action {
    method: Method::POST,
    path: "/v1/webhooks/{id}/replay",
    segments: &[],
    operation: "webhooks.replay",
    summary: "Tell a webhook again from a position on",
    access: Access::Granted {
        resource: "webhooks",
        verb: REPLAY_VERB,
    },
    body: Some(&[Field::new(
        "after",
        POSITION,
        "The position in the log behind which to begin: an earlier one repeats, a later one leaves out.",
    )
    .required()]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[Field::new(
            "position",
            POSITION,
            "Where it is now: what is behind it is queued.",
        )
        .required()])),
        description: "The position. Messages keep their ids.",
        problems: &[],
    },
    run: Run::Statement(replay),
};

fn enable(grant: &Grant) -> Statement {
    answer(
        "-- webhooks.enable
with r as (
  update lms.webhooks as r
  set
    status = 'active',
    disabled_at = null,
    disabled_reason = null
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
        grant,
        "webhooks.enable",
    )
}

fn disable(grant: &Grant) -> Statement {
    answer(
        "-- webhooks.disable
with r as (
  update lms.webhooks as r
  set
    status = 'disabled',
    disabled_at = coalesce(r.disabled_at, now())
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
        grant,
        "webhooks.disable",
    )
}

/// The changed webhook as body and its version as tag.
fn answer(change: &'static str, grant: &Grant, operation: &str) -> Statement {
    let mut sql = Sql::from(change);
    projection::returning(&mut sql, &WEBHOOKS);
    sql.push("select\n  ");
    sql.append(&projection::object(&WEBHOOKS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared(operation)
}

fn replay() -> Statement {
    Sql::from(
        "-- webhooks.replay
select
  json_build_object(
    'position', lms.replay_webhook(($1->>'id')::uuid, ($1->'input'->>'after')::bigint)
  )::text as body,
  null::text as tag",
    )
    .prepared("webhooks.replay")
}
