//! Liveness and readiness. The health of the worker and of the database is reported by the
//! operator's commands.

use domain::region;
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate;
use platform::sql::statement::Statement;
use serde_json::Map;

/// The lowest version of the schema, as the number of a migration, with which the components of
/// this release work.
const SCHEMA: i64 = 1;

/// Reports that the process responds.
pub(crate) const LIVE: Action = Action::get("/healthz")
    .id("health.live")
    .summary("Check liveness")
    .public()
    .responds(ResponseSpec::fields(
        &[Field::new("status", Kind::OneOf(&["ok"]), "Always `ok`.").required()],
        "The process is alive.",
    ))
    .custom(live);

/// Reports that the component can serve: database, role, region and schema are as required.
pub(crate) const READY: Action = Action::get("/readyz")
    .id("health.ready")
    .summary("Check readiness")
    .public()
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "status",
                Kind::OneOf(&["ok"]),
                "Always `ok`. If requests cannot be served, the response is 503.",
            )
            .required(),
            Field::new("region", Kind::OneOf(&region::ALL), "The region.").required(),
            Field::new(
                "schema",
                Kind::Integer { min: 1, max: 9999 },
                "The version of the database schema.",
            )
            .required(),
        ],
        "Requests can be served.",
    ))
    .custom(ready);

fn live<'a>(_: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async { Ok(Response::json(200, r#"{"status":"ok"}"#)) })
}

fn ready<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let statement = Statement::named("health.ready", "select
  json_build_object('status', 'ok', 'region', c.region, 'schema', lms.schema_version())::text as body,
  lms.schema_version()::text as tag
from lms_private.cell as c");
        // `lms.run` itself refuses a role to which row security does not apply, and the database of
        // another region.
        let answer = match context.run(&statement, Map::new()).await {
            Ok(answer) => answer,
            Err(error) => return sqlstate::into_response(error),
        };
        let version: i64 = answer.tag.and_then(|tag| tag.parse().ok()).unwrap_or(0);
        match answer.body {
            Some(body) if version >= SCHEMA => Ok(Response::json(200, body)),
            _ => Err(Problem::new(ProblemKind::Unavailable)
                .detail("The database schema is older than this release. Run `lms migrate`.")
                .header("retry-after", "30")
                .cause(format!("schema is at {version}, {SCHEMA} is needed"))),
        }
    })
}
