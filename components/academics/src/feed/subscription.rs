//! Reading a calendar by the secret in its address.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::pipeline::conditions;
use platform::sql::sqlstate::settle;
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, Value, json};

use super::calendar;
use super::series::Series;

const MEDIA_TYPE: &str = "text/calendar";

/// The calendar of whoever the secret belongs to.
pub(crate) const READ: Action = Action {
    method: Method::GET,
    path: "/v1/calendar/feed.ics",
    segments: &[],
    operation: "calendar.feed.read",
    summary: "Read a calendar by its address",
    access: Access::Public,
    body: None,
    query: &[Field::new(
        "token",
        Kind::Secret { min: 1, max: 100 },
        "The secret of the address.",
    )
    .required()],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Document(MEDIA_TYPE)),
        description: "The classes of the user that the address belongs to (RFC 5545).",
        problems: &[304, 404],
    },
    run: Run::Custom(read),
};

/// By hand, because the text is made here and its tag from the text.
fn read<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let token = call.query.get("token").and_then(Value::as_str);
        let mut arguments = Map::new();
        arguments.insert(
            "token_hash".to_owned(),
            json!(random::digest(token.unwrap_or_default())),
        );
        let answer = match call.run(&statement(), arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let Some(body) = answer.body else {
            return Err(Problem::new(ProblemKind::NotFound));
        };
        let internal = |cause: String| Problem::new(ProblemKind::Internal).cause(cause);
        let series: Vec<Series> =
            serde_json::from_str(&body).map_err(|error| Problem::unreadable(&error))?;
        let text = call
            .client
            .with_zones(|| calendar::render(&series).map_err(internal))
            .await?;
        let tag = format!("\"{}\"", random::digest(&text));
        let response = if conditions::not_modified(call.request, &tag) {
            Response::empty(304)
        } else {
            Response {
                status: 200,
                headers: vec![("content-type", format!("{MEDIA_TYPE}; charset=utf-8"))],
                body: text.into_bytes(),
            }
        };
        // To be kept by its reader alone, and asked for again each time.
        Ok(response
            .header("etag", tag)
            .header("cache-control", "private, no-cache"))
    })
}

/// The user's own policies say which classes these are: they are read after the context has become the user's.
fn statement() -> Statement {
    Sql::from(
        "-- calendar.feed.read
select
  case
    when lms.enter_calendar_feed(decode($1->>'token_hash', 'hex')) then lms.calendar_feed_series()::text
  end as body,
  null::text as tag",
    )
    .prepared("calendar.feed.read")
}
