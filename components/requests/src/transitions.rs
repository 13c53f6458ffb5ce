//! The transitions of a request from one status to the next. The permitted transitions are in the
//! database's state table, and the resource is in [`crate::requests`].

use platform::auth::policy::{Grant, Verb};
use platform::declare::action::Action;
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::http::problem::Problem;
use platform::pipeline::conditions;
use platform::sql::statement::Sql;
use serde_json::{Map, Value, json};

use crate::requests::{self, REQUESTS};

/// Returns the declaration that all transitions share.
const fn transition(path: &'static str, verb: Verb) -> Action {
    Action::post(path)
        .granted("requests", verb)
        .prepared_by(versioned)
}

const fn response(description: &'static str) -> ResponseSpec {
    ResponseSpec::resource(&REQUESTS, description).problems(&[412])
}

/// Assigns a request to a staff member.
pub(crate) const ASSIGN: Action = transition("/v1/requests/{id}/assign", requests::ASSIGN_VERB)
    .id("requests.assign").summary("Assign a request").body(&[Field::new(
        "staff_id",
        Kind::Id,
        "The staff member to whom the request is assigned: an active member of the centre's staff, or of the staff who \
         work for all centres. Null removes the assignment.",
    )
    .nullable()
    .required()]).responds(response("The request with its new assignment.")).sql_for_grant(assign);

/// Starts the work on a request.
pub(crate) const START: Action = transition("/v1/requests/{id}/start", requests::START_VERB)
    .id("requests.start")
    .summary("Start a request")
    .responds(response("The request in progress."))
    .sql_for_grant(start);

/// Resolves a request.
pub(crate) const RESOLVE: Action = transition("/v1/requests/{id}/resolve", requests::RESOLVE_VERB)
    .id("requests.resolve")
    .summary("Resolve a request")
    .body(&[
        Field::new(
            "resolution",
            Kind::Multiline {
                min: 1,
                max: 10_000,
            },
            "The resolution: what was done.",
        )
        .required(),
        Field::new(
            "move",
            Kind::Object(&[
                Field::new("starts_at", Kind::Time, "The new start of the lesson.").required(),
                Field::new("ends_at", Kind::Time, "The new end of the lesson.").required(),
                Field::new(
                    "room",
                    Kind::Text { min: 1, max: 100 },
                    "The new room. Defaults to the present room.",
                )
                .nullable(),
            ]),
            "The new time of the lesson of a reschedule request. The request is resolved and the lesson moved together, \
             or neither.",
        ),
    ])
    .responds(response("The resolved request."))
    .sql_for_grant(resolve);

/// Closes a request.
pub(crate) const CLOSE: Action = transition("/v1/requests/{id}/close", requests::CLOSE_VERB)
    .id("requests.close")
    .summary("Close a request")
    .responds(response("The closed request."))
    .sql_for_grant(close);

/// Reopens a request.
pub(crate) const REOPEN: Action = transition("/v1/requests/{id}/reopen", requests::REOPEN_VERB)
    .id("requests.reopen")
    .summary("Reopen a request")
    .responds(response("The reopened request with a new due time."))
    .sql_for_grant(reopen);

/// Returns the path and the body, with the versions that `If-Match` names.
pub(crate) fn versioned(context: &ActionContext<'_>) -> Result<Map<String, Value>, Problem> {
    let versions = conditions::expected_versions(context.request, false)?;
    let mut arguments = context.arguments();
    arguments.insert("versions".to_owned(), json!(versions));
    Ok(arguments)
}

fn assign(grant: &Grant) -> Sql {
    apply("assign", grant)
}

fn start(grant: &Grant) -> Sql {
    apply("start", grant)
}

fn resolve(grant: &Grant) -> Sql {
    apply("resolve", grant)
}

fn close(grant: &Grant) -> Sql {
    apply("close", grant)
}

fn reopen(grant: &Grant) -> Sql {
    apply("reopen", grant)
}

/// Returns the statement that performs a transition and answers with the request in its new status.
fn apply(name: &'static str, grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    '",
    );
    sql.push(name).push(
        "',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  ",
    );
    sql.append(&projection::object(&REQUESTS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
