//! Events: reads the tenant's event log by position, and waits for new events. Webhooks, which
//! receive them by HTTP, are in [`crate::webhooks`].

use std::time::Duration;

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::page;
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::database::QueryResult;
use platform::sql::error::QueryError;
use platform::sql::sqlstate;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Map, Value, json};

/// The grants on events.
pub(crate) const POLICY: Policy = Policy {
    resource: "events",
    grants: &[Grant::new(role::ADMIN, &[Verb::List])],
};

/// An event as a response returns it.
const EVENT: &[Field] = &[
    Field::new(
        "position",
        Kind::Integer {
            min: 1,
            max: i64::MAX,
        },
        "The position of the event in the tenant's event log.",
    )
    .required(),
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new(
        "entity",
        Kind::Text { min: 1, max: 63 },
        "The kind of resource that changed, such as `users`.",
    )
    .required(),
    Field::new(
        "entity_id",
        Kind::Id,
        "The id of the resource that changed.",
    )
    .required(),
    Field::new(
        "kind",
        Kind::Text { min: 1, max: 100 },
        "The kind of the event, such as `user.created`.",
    )
    .required(),
    Field::new("actor", Kind::Id, "The user who made the change.")
        .nullable()
        .required(),
    Field::new(
        "request_id",
        Kind::Text { min: 0, max: 100 },
        "The id of the HTTP request, or the name of the background job, that caused the event.",
    )
    .nullable()
    .required(),
    Field::new("at", Kind::Time, "The time at which the event occurred.").required(),
    Field::new(
        "state",
        Kind::Json { bytes: 0 },
        "The state of the resource after the change, without secrets.",
    )
    .required(),
    Field::new(
        "hash",
        Kind::Text { min: 64, max: 64 },
        "The SHA-256 hash of the event chain up to and including this event, in hexadecimal.",
    )
    .required(),
];

/// Lists events from a position on.
pub(crate) const LIST: Action = Action::get("/v1/events")
    .id("events.list")
    .summary("List events")
    .granted("events", Verb::List)
    .query(&[
        Field::new(
            "after",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
            "The position after which to start. Defaults to 0.",
        ),
        page::limit("The maximum number of events in the page. Defaults to 50."),
        Field::new(
            "entity",
            Kind::Text { min: 1, max: 63 },
            "Only events of this kind of resource, such as `students`.",
        ),
        Field::new("id", Kind::Id, "Only events of the resource with this id, that is its history."),
        Field::new(
            "wait",
            Kind::Integer { min: 0, max: 30 },
            "How many seconds to wait for an event if there is none. Defaults to 0. At most 4 requests of a session and \
             32 of a tenant can wait at the same time; beyond that, the newest keep waiting. At most 128 requests of \
             all tenants can wait; beyond that, the tenants with the most waiting requests give up their oldest. A \
             request that stops waiting is answered immediately, with `Retry-After`.",
        ),
    ])
    .responds(
        ResponseSpec::fields(
            &[
                Field::new("data", Kind::Rows(EVENT), "The events, oldest first.").required(),
                Field::new(
                    "next_after",
                    Kind::Integer {
                        min: 0,
                        max: i64::MAX,
                    },
                    "The position to pass as `after` to get the next page.",
                )
                .required(),
            ],
            "The events in order of position. No event is ever added before a position that has been read. A page \
             without events is returned immediately, when the waiting time is over, or with `Retry-After` if newer \
             requests wait in this one's place.",
        )
        .problems(&[422]),
    )
    .custom(list);

/// The first pause between two polls, in milliseconds. Each further pause is twice as long.
const FIRST_PAUSE_MILLISECONDS: u64 = 100;

/// The longest pause between two polls, in milliseconds.
const MAX_PAUSE_MILLISECONDS: u64 = 1_000;

/// The tag of an empty page whose request no longer waits, because newer requests wait in its
/// place.
const SUPERSEDED: &str = "made way";

/// The seconds after which a superseded client may ask again. A client that came back at once would
/// supersede another one, which would come back at once too.
const RETRY_AFTER: &str = "3";

fn list<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async move {
        let page = page_statement();
        let arguments = context.arguments();
        let wait = context.query.get("wait").and_then(Value::as_str);
        let seconds: u32 = wait.and_then(|wait| wait.parse().ok()).unwrap_or(0);
        let first = context.run(&page, arguments.clone()).await;
        let answer = match first {
            Ok(answer) if seconds > 0 && is_empty(&answer) => {
                wait_for_events(context, &page, arguments, seconds).await
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
                    Some(SUPERSEDED) => response.header("retry-after", RETRY_AFTER),
                    _ => response,
                })
            }
            Err(error) => sqlstate::into_response(error),
        }
    })
}

/// Returns true if there are no events yet and the request may wait. The tag holds the number of
/// events, or says that the request was superseded.
fn is_empty(answer: &QueryResult) -> bool {
    answer.tag.as_deref() == Some("0")
}

/// Polls until there is an event, the time is over, or newer requests have superseded this one.
async fn wait_for_events(
    context: &ActionContext<'_>,
    page: &Statement,
    mut arguments: Map<String, Value>,
    seconds: u32,
) -> Result<QueryResult, QueryError> {
    let ticket = json!(random::id());
    arguments.insert("ticket".to_owned(), ticket.clone());
    let ticket = Map::from_iter([
        ("ticket".to_owned(), ticket),
        ("seconds".to_owned(), json!(seconds)),
    ]);
    context.run(&begin_statement(), ticket.clone()).await?;
    let found = poll(context, page, arguments, seconds).await;
    // If this fails, the row counts until its time is over.
    let _ = context.run(&end_statement(), ticket).await;
    found
}

async fn poll(
    context: &ActionContext<'_>,
    page: &Statement,
    arguments: Map<String, Value>,
    seconds: u32,
) -> Result<QueryResult, QueryError> {
    let mut left = 1_000 * u64::from(seconds);
    let mut pause = FIRST_PAUSE_MILLISECONDS;
    loop {
        pause = pause.min(left);
        context.client.pause(Duration::from_millis(pause)).await;
        left -= pause;
        pause = MAX_PAUSE_MILLISECONDS.min(2 * pause);
        let answer = context.run(page, arguments.clone()).await?;
        if left == 0 || !is_empty(&answer) {
            return Ok(answer);
        }
    }
}

fn begin_statement() -> Statement {
    Statement::named(
        "events.begin_event_wait",
        "select
  ''::text as body,
  null::text as tag
from lms.begin_event_wait(($1->>'ticket')::uuid, ($1->>'seconds')::integer)",
    )
}

fn end_statement() -> Statement {
    Statement::named(
        "events.end_event_wait",
        "select
  ''::text as body,
  null::text as tag
from lms.end_event_wait(($1->>'ticket')::uuid)",
    )
}

fn page_statement() -> Statement {
    Statement::named("events.list", "select
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
) as page")
}
