//! Events: reading the tenant's event log by position, and waiting for what comes next.

use std::time::Duration;

use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::auth::role::Role;
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::database::Answer;
use platform::sql::error::Failure;
use platform::sql::sqlstate;
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, Value, json};

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
        "The resource that changed, such as users.",
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
            "Only of this resource, such as students.",
        ),
        Field::new("id", Kind::Id, "Only of this row: its history."),
        Field::new(
            "wait",
            Kind::Integer { min: 0, max: 30 },
            "How many seconds to wait for an event when there is none; 0 by default. Of a session's requests that wait, the newest 4 \
             go on, and of a tenant's the newest 32; of those of all tenants 128 go on, and the tenants that have most make way with \
             their oldest. One that made way is answered at once, with `Retry-After`.",
        ),
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
        description: "Events in order of position. Nothing is ever added before a position that has been read. A page without events \
                      comes at once, or when the time to wait is over, or with `Retry-After` when newer requests wait in this one's \
                      place.",
        problems: &[422],
    },
    run: Run::Custom(list),
};

/// How long to wait before the second look, in milliseconds; each further pause is twice as long.
const FIRST_PAUSE: u64 = 100;

/// The longest pause between two looks, in milliseconds.
const LONGEST_PAUSE: u64 = 1_000;

/// The tag of a page without events for which nobody waits any longer, because newer requests do.
const MADE_WAY: &str = "made way";

/// When to come again after that, in seconds. A client that came at once would push out another, which would come at once.
const RETRY_AFTER: &str = "3";

fn list<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async move {
        let page = page();
        let arguments = call.arguments();
        let wait = call.query.get("wait").and_then(Value::as_str);
        let seconds: u32 = wait.and_then(|wait| wait.parse().ok()).unwrap_or(0);
        let first = call.run(&page, arguments.clone()).await;
        let answer = match first {
            Ok(answer) if seconds > 0 && is_empty(&answer) => {
                wait_for_events(call, &page, arguments, seconds).await
            }
            other => other,
        };
        match answer {
            Ok(answer) => {
                let body = answer.body.ok_or_else(|| {
                    Problem::new(ProblemKind::Internal).cause("no page of events")
                })?;
                let response = Response::json(200, body);
                Ok(match answer.tag.as_deref() {
                    Some(MADE_WAY) => response.header("retry-after", RETRY_AFTER),
                    _ => response,
                })
            }
            Err(failure) => sqlstate::settle(failure),
        }
    })
}

/// Returns whether nothing was found and something may yet come. The tag says how many events there are, or that the
/// request made way.
fn is_empty(answer: &Answer) -> bool {
    answer.tag.as_deref() == Some("0")
}

/// Looks again and again until there is an event, the time is over, or newer requests wait in this one's place.
async fn wait_for_events(
    call: &Call<'_>,
    page: &Statement,
    mut arguments: Map<String, Value>,
    seconds: u32,
) -> Result<Answer, Failure> {
    let ticket = json!(random::id());
    arguments.insert("ticket".to_owned(), ticket.clone());
    let ticket = Map::from_iter([
        ("ticket".to_owned(), ticket),
        ("seconds".to_owned(), json!(seconds)),
    ]);
    call.run(&begin(), ticket.clone()).await?;
    let found = look_on(call, page, arguments, seconds).await;
    // Should this fail, the row counts until its time is over.
    let _ = call.run(&end(), ticket).await;
    found
}

async fn look_on(
    call: &Call<'_>,
    page: &Statement,
    arguments: Map<String, Value>,
    seconds: u32,
) -> Result<Answer, Failure> {
    let mut left = 1_000 * u64::from(seconds);
    let mut pause = FIRST_PAUSE;
    loop {
        pause = pause.min(left);
        call.client.pause(Duration::from_millis(pause)).await;
        left -= pause;
        pause = LONGEST_PAUSE.min(2 * pause);
        let answer = call.run(page, arguments.clone()).await?;
        if left == 0 || !is_empty(&answer) {
            return Ok(answer);
        }
    }
}

fn begin() -> Statement {
    Sql::from(
        "-- events.begin_waiting
select
  ''::text as body,
  null::text as tag
from lms.begin_event_wait(($1->>'ticket')::uuid, ($1->>'seconds')::integer)",
    )
    .prepared("events.begin_waiting")
}

fn end() -> Statement {
    Sql::from(
        "-- events.end_waiting
select
  ''::text as body,
  null::text as tag
from lms.end_event_wait(($1->>'ticket')::uuid)",
    )
    .prepared("events.end_waiting")
}

fn page() -> Statement {
    Sql::from(
        "-- events.list
select
  json_build_object(
    'data', coalesce(json_agg(page.event order by page.position), '[]'::json),
    'next_after', coalesce(max(page.position), ($1->>'after')::bigint, 0)
  )::text as body,
  case
    when count(*) = 0 and $1->>'ticket' is not null and not lms.may_continue_event_wait(($1->>'ticket')::uuid) then 'made way'
    else count(*)::text
  end as tag
from (
  select
    r.position,
    lms.event_json(r) as event
  from lms.read_events(
    coalesce(($1->>'after')::bigint, 0),
    coalesce(($1->>'limit')::integer, 50),
    $1->>'entity',
    ($1->>'id')::uuid
  ) as r
) as page",
    )
    .prepared("events.list")
}
