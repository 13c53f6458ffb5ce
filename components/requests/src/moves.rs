//! How a request moves from one state to the next. Which moves there are stands in the database's one state table.

use http::Method;
use platform::auth::policy::{Access, Grant, Verb};
use platform::declare::action::{Action, Answers, Call, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::statements::projection::{self, Depth};
use platform::http::problem::Problem;
use platform::pipeline::conditions;
use platform::sql::statement::{Sql, Statement};
use serde_json::{Map, Value, json};

use crate::requests::{self, REQUESTS};

/// A move of a request.
const fn action(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    verb: Verb,
    body: Option<&'static [Field]>,
    description: &'static str,
    build: fn(&Grant) -> Statement,
) -> Action {
    Action {
        method: Method::POST,
        path,
        segments: &[],
        operation,
        summary,
        access: Access::Granted {
            resource: "requests",
            verb,
        },
        body,
        query: &[],
        answers: Answers {
            status: 200,
            schema: Some(Shape::Resource(&REQUESTS)),
            description,
            problems: &[412],
        },
        run: Run::Prepared(versioned, build),
    }
}

/// Gives a request to somebody.
pub(crate) const ASSIGN: Action = action(
    "/v1/requests/{id}/assign",
    "requests.assign",
    "Assign a request",
    requests::ASSIGN,
    Some(&[Field::new(
        "staff_id",
        Kind::Id,
        "Who works on it: an active member of the centre's staff, or of those who work for all centres; null for nobody.",
    )
    .nullable()
    .required()]),
    "The request with who works on it.",
    assign,
);

/// Begins to work on a request.
pub(crate) const START: Action = action(
    "/v1/requests/{id}/start",
    "requests.start",
    "Start a request",
    requests::START,
    None,
    "The request, in progress.",
    start,
);

/// Says what was done.
pub(crate) const RESOLVE: Action = action(
    "/v1/requests/{id}/resolve",
    "requests.resolve",
    "Resolve a request",
    requests::RESOLVE,
    Some(&[
        Field::new(
            "resolution",
            Kind::Multiline {
                min: 1,
                max: 10_000,
            },
            "What was done.",
        )
        .required(),
        Field::new(
            "move",
            Kind::Object(&[
                Field::new("start", Kind::Time, "When the lesson begins now.").required(),
                Field::new("end", Kind::Time, "When it has ended now.").required(),
                Field::new(
                    "room",
                    Kind::Text { min: 1, max: 100 },
                    "Where it is now; the room stays when this is left out.",
                )
                .nullable(),
            ]),
            "Where the lesson of a reschedule request moves to: both happen, or neither.",
        ),
    ]),
    "The request, resolved.",
    resolve,
);

/// Ends a request.
pub(crate) const CLOSE: Action = action(
    "/v1/requests/{id}/close",
    "requests.close",
    "Close a request",
    requests::CLOSE,
    None,
    "The request, closed.",
    close,
);

/// Takes a request up again.
pub(crate) const REOPEN: Action = action(
    "/v1/requests/{id}/reopen",
    "requests.reopen",
    "Reopen a request",
    requests::REOPEN,
    None,
    "The request, open and due anew.",
    reopen,
);

/// Path and body, with the versions that `If-Match` names.
pub(crate) fn versioned(call: &Call<'_>) -> Result<Map<String, Value>, Problem> {
    let versions = conditions::expected_versions(call.request, false)?;
    let mut arguments = call.arguments();
    arguments.insert("versions".to_owned(), json!(versions));
    Ok(arguments)
}

fn assign(grant: &Grant) -> Statement {
    moved("-- requests.assign", "assign", grant, "requests.assign")
}

fn start(grant: &Grant) -> Statement {
    moved("-- requests.start", "start", grant, "requests.start")
}

fn resolve(grant: &Grant) -> Statement {
    moved("-- requests.resolve", "resolve", grant, "requests.resolve")
}

fn close(grant: &Grant) -> Statement {
    moved("-- requests.close", "close", grant, "requests.close")
}

fn reopen(grant: &Grant) -> Statement {
    moved("-- requests.reopen", "reopen", grant, "requests.reopen")
}

/// Makes the move, and answers the request as it is then.
fn moved(
    title: &'static str,
    name: &'static str,
    grant: &Grant,
    operation: &'static str,
) -> Statement {
    let mut sql = Sql::from(title);
    sql.push(
        "
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    '",
    )
    .push(name)
    .push(
        "',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  ",
    );
    sql.append(&projection::object(&REQUESTS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared(operation)
}
