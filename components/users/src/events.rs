//! Events: reading the tenant's event log by position.

use http::Method;
use platform::action::{Action, Answers, Run, Shape};
use platform::field::{Field, Kind};
use platform::policy::{Access, Grant, Policy, Verb};
use platform::role::Role;
use platform::sql::{Sql, Statement};

/// Who may read events.
pub(crate) const POLICY: Policy = Policy {
    resource: "events",
    grants: &[Grant::new(Role::Admin, &[Verb::List])],
};

/// An event as it is listed.
const EVENT: &[Field] = &[
    Field::new(
        "position",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
        "Its place in the tenant's chain.",
    )
    .required(),
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new(
        "entity",
        Kind::Text { min: 1, max: 63 },
        "What changed, such as user.",
    )
    .required(),
    Field::new("entity_id", Kind::Id, "The row that changed.").required(),
    Field::new(
        "kind",
        Kind::Text { min: 1, max: 100 },
        "What happened, such as user.created.",
    )
    .required(),
    Field::new("actor", Kind::Id, "The user who did it.")
        .nullable()
        .required(),
    Field::new(
        "request_id",
        Kind::Text { min: 0, max: 100 },
        "The request.",
    )
    .nullable()
    .required(),
    Field::new("at", Kind::Time, "When.").required(),
    Field::new(
        "state",
        Kind::Json { bytes: 0 },
        "The row afterwards, without secrets.",
    )
    .required(),
    Field::new(
        "hash",
        Kind::Text { min: 64, max: 64 },
        "SHA-256 of the chain up to here, in hex.",
    )
    .required(),
];

/// Reads on from a position.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/events",
    segments: &[],
    operation: "events.list",
    summary: "List events",
    access: Access::Granted {
        resource: "events",
        verb: Verb::List,
    },
    body: None,
    query: &[
        Field::new(
            "after",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
            "The position behind which to begin; 0 by default.",
        ),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "Most events of this page; 50 by default.",
        ),
        Field::new(
            "entity",
            Kind::Text { min: 1, max: 63 },
            "Only of this entity, such as user.",
        ),
        Field::new("entity_id", Kind::Id, "Only of this row."),
    ],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new("data", Kind::Rows(EVENT), "The events, oldest first.").required(),
            Field::new(
                "next_after",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
                "The position to go on from.",
            )
            .required(),
        ])),
        description: "Events in the order in which they were committed.",
    },
    run: Run::Statement(list),
};

fn list() -> Statement {
    Sql::from(
        "-- events.list
select
  json_build_object(
    'data', coalesce(json_agg(page.event order by page.position), '[]'::json),
    'next_after', coalesce(max(page.position), ($1->>'after')::bigint, 0)
  )::text as body,
  null::text as tag
from (
  select
    r.position,
    json_build_object(
      'position', r.position,
      'id', r.id,
      'entity', r.entity,
      'entity_id', r.entity_id,
      'kind', r.kind,
      'actor', r.actor,
      'request_id', r.request_id,
      'at', lms.utc(r.at),
      'state', r.state,
      'hash', encode(r.hash, 'hex')
    ) as event
  from lms.event_log as r
  where r.position > coalesce(($1->>'after')::bigint, 0)
    and ($1->>'entity' is null or r.entity = $1->>'entity')
    and ($1->>'entity_id' is null or r.entity_id = ($1->>'entity_id')::uuid)
  order by r.position
  limit coalesce(($1->>'limit')::integer, 50)
) as page",
    )
    .prepared("events.list")
}
