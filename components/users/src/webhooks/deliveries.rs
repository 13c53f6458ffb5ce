//! What a webhook was told, is being told, and could not be told.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::sql::statement::{Sql, Statement};

use super::DELIVERIES;

/// Where a delivery stands.
const STATUS: Kind = Kind::OneOf(&["waiting", "delivered", "failed"]);

/// A position in the log.
const POSITION: Kind = Kind::Integer {
    min: 1,
    max: i64::MAX,
};

/// A delivery.
const DELIVERY: &[Field] = &[
    Field::new("position", POSITION, "The event's place in the log.").required(),
    Field::new(
        "event_id",
        Kind::Id,
        "The event's id, which is the message's: the header webhook-id.",
    )
    .required(),
    Field::new(
        "kind",
        Kind::Text { min: 1, max: 100 },
        "What happened, such as student.created.",
    )
    .required(),
    Field::new(
        "status",
        STATUS,
        "Whether it waits for its next attempt, was delivered, or was given up.",
    )
    .required(),
    Field::new(
        "attempts",
        Kind::Integer {
            min: 0,
            max: i32::MAX as i64,
        },
        "How many attempts have begun.",
    )
    .required(),
    Field::new("last_attempt_at", Kind::Time, "When the last one began.")
        .nullable()
        .required(),
    Field::new(
        "last_status",
        Kind::Integer { min: 100, max: 999 },
        "The HTTP status of its answer; null when there was none.",
    )
    .nullable()
    .required(),
    Field::new(
        "last_error",
        Kind::Text { min: 1, max: 500 },
        "Why it failed.",
    )
    .nullable()
    .required(),
    Field::new(
        "next_attempt_at",
        Kind::Time,
        "When it is tried next; null when it is not.",
    )
    .nullable()
    .required(),
    Field::new("delivered_at", Kind::Time, "When it was delivered.")
        .nullable()
        .required(),
    Field::new("failed_at", Kind::Time, "When it was given up.")
        .nullable()
        .required(),
    Field::new("queued_at", Kind::Time, "When it was queued.").required(),
];

/// Reads the deliveries of a webhook.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/webhooks/{id}/deliveries",
    segments: &[],
    operation: "webhooks.deliveries",
    summary: "List the deliveries of a webhook",
    access: Access::Granted {
        resource: "webhooks",
        verb: DELIVERIES,
    },
    body: None,
    query: &[
        Field::new("before", POSITION, "Only of events before this position."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "Most deliveries of this page; 50 by default.",
        ),
        Field::new("status", STATUS, "Only those that stand like this."),
    ],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new(
                "position",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
                "How far the log has been queued: what is behind it follows.",
            )
            .required(),
            Field::new(
                "data",
                Kind::Rows(DELIVERY),
                "The deliveries, the latest event first.",
            )
            .required(),
            Field::new(
                "next_before",
                POSITION,
                "The position before which the next page begins; null when there is none.",
            )
            .nullable()
            .required(),
        ])),
        description: "The deliveries. Those that have ended are kept for 30 days.",
        problems: &[],
    },
    run: Run::Statement(list),
};

fn list() -> Statement {
    Sql::from(
        "-- webhooks.deliveries
select
  json_build_object(
    'position', q.position,
    'data', coalesce(json_agg(page.delivery order by page.position desc) filter (where page.place <= page.most), '[]'::json),
    'next_before', min(page.position) filter (where page.place = page.most and page.follows)
  )::text as body,
  null::text as tag
from lms.webhooks as w
join lms.webhook_queues as q
  on q.id = w.id
left join lateral (
  select
    d.position,
    coalesce(($1->>'limit')::integer, 50) as most,
    row_number() over (order by d.position desc) as place,
    lead(d.position) over (order by d.position desc) is not null as follows,
    json_build_object(
      'position', d.position,
      'event_id', d.event_id,
      'kind', d.kind,
      'status', d.status,
      'attempts', d.attempts,
      'last_attempt_at', lms.utc(d.last_attempt_at),
      'last_status', d.last_status,
      'last_error', d.last_error,
      'next_attempt_at', case when d.status = 'waiting' then lms.utc(d.next_attempt_at) end,
      'delivered_at', lms.utc(d.delivered_at),
      'failed_at', lms.utc(d.dead_at),
      'queued_at', lms.utc(d.created_at)
    ) as delivery
  from (
    select
      a.*,
      case
        when a.delivered_at is not null then 'delivered'
        when a.dead_at is not null then 'failed'
        else 'waiting'
      end as status
    from lms.webhook_deliveries as a
    where a.webhook_id = w.id
      and a.position < coalesce(($1->>'before')::bigint, 9223372036854775807)
  ) as d
  where $1->>'status' is null
    or d.status = $1->>'status'
  order by d.position desc
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by q.position",
    )
    .prepared("webhooks.deliveries")
}
