//! Whether the process lives, whether it can serve, and which regions there are.

use domain::region;
use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate;
use platform::sql::statement::Sql;
use serde_json::{Map, json};

/// The lowest version of the schema, a migration's number, that the components of this release work with.
const SCHEMA: i64 = 312;

/// The process answers.
pub(crate) const LIVE: Action = Action {
    method: Method::GET,
    path: "/healthz",
    segments: &[],
    operation: "health.live",
    summary: "Is the process alive",
    access: Access::Public,
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[Field::new(
            "status",
            Kind::OneOf(&["ok"]),
            "Always ok.",
        )
        .required()])),
        description: "The process answers.",
        problems: &[],
    },
    run: Run::Custom(live),
};

/// The component can serve: database, role, region and schema are as they must be.
pub(crate) const READY: Action = Action {
    method: Method::GET,
    path: "/readyz",
    segments: &[],
    operation: "health.ready",
    summary: "Can requests be served",
    access: Access::Public,
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new(
                "status",
                Kind::OneOf(&["ok"]),
                "Always ok; otherwise the answer is 503.",
            )
            .required(),
            Field::new("region", Kind::OneOf(&region::ALL), "The region.").required(),
            Field::new(
                "schema",
                Kind::Integer { min: 1, max: 9999 },
                "The schema's version.",
            )
            .required(),
        ])),
        description: "Requests can be served.",
        problems: &[],
    },
    run: Run::Custom(ready),
};

/// A region as it is listed.
const REGION: &[Field] = &[
    Field::new("name", Kind::OneOf(&region::ALL), "The region.").required(),
    Field::new("base_url", Kind::Text { min: 1, max: 200 }, "Where it is.").required(),
];

/// The regions and where they are.
pub(crate) const REGIONS: Action = Action {
    method: Method::GET,
    path: "/v1/regions",
    segments: &[],
    operation: "regions.list",
    summary: "List regions",
    access: Access::Public,
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[Field::new(
            "data",
            Kind::Rows(REGION),
            "Name and base URL of each region.",
        )
        .required()])),
        description: "Each region's name and base URL.",
        problems: &[],
    },
    run: Run::Custom(regions),
};

fn live<'a>(_: &'a Call<'a>) -> Done<'a> {
    Box::pin(async { Ok(Response::json(200, r#"{"status":"ok"}"#)) })
}

fn regions<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let data: Vec<_> = call
            .settings
            .base_urls
            .iter()
            .map(|(name, url)| json!({"name": name, "base_url": url}))
            .collect();
        let body = json!({"data": data}).to_string();
        Ok(Response::json(200, body).header("cache-control", "public, max-age=300"))
    })
}

fn ready<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let statement = Sql::from(
            "-- health.ready
select
  json_build_object('status', 'ok', 'region', c.region, 'schema', lms.schema_version())::text as body,
  lms.schema_version()::text as tag
from lms_private.cell as c",
        )
        .prepared("health.ready");
        // lms.run itself refuses a role that row security doesn't hold, and another region's database.
        let answer = match call.run(&statement, Map::new()).await {
            Ok(answer) => answer,
            Err(failure) => return sqlstate::settle(failure),
        };
        let version: i64 = answer.tag.and_then(|tag| tag.parse().ok()).unwrap_or(0);
        match answer.body {
            Some(body) if version >= SCHEMA => Ok(Response::json(200, body)),
            _ => Err(Problem::new(ProblemKind::Unavailable)
                .detail("The database's schema is older than this release; run lms migrate.")
                .header("retry-after", "30")
                .cause(format!("schema is at {version}, {SCHEMA} is needed"))),
        }
    })
}
