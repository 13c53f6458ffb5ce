//! Serves a calendar to the program that knows its secret. Creating and revoking the secret is in
//! `token`.

use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::{ResponseSchema, ResponseSpec};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::pipeline::conditions;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Map, Value, json};

use super::calendar;
use super::series::Series;

const MEDIA_TYPE: &str = "text/calendar";

/// Reads the calendar of the user to whom the secret belongs.
pub(crate) const READ: Action = Action::get("/v1/calendar/feed.ics")
    .id("calendar.feed.read")
    .summary("Get a calendar feed")
    .public()
    .query(&[Field::new(
        "token",
        Kind::Secret { min: 1, max: 100 },
        "The secret token in the feed URL.",
    )
    .required()])
    .responds(
        ResponseSpec::of(
            ResponseSchema::Document(MEDIA_TYPE),
            "The classes of the user to whom the feed belongs, as an iCalendar file (RFC 5545).",
        )
        .problems(&[304, 404]),
    )
    .custom(read);

/// Renders the calendar. It is a custom handler because the text is rendered here and the entity
/// tag is computed from it.
fn read<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let token = context.query.get("token").and_then(Value::as_str);
        let mut arguments = Map::new();
        arguments.insert(
            "token_hash".to_owned(),
            json!(random::digest(token.unwrap_or_default())),
        );
        let answer = match context.run(&statement(), arguments).await {
            Ok(answer) => answer,
            Err(error) => return into_response(error),
        };
        let Some(body) = answer.body else {
            return Err(Problem::new(ProblemKind::NotFound));
        };
        let internal = |cause: String| Problem::new(ProblemKind::Internal).cause(cause);
        let series: Vec<Series> =
            serde_json::from_str(&body).map_err(|error| Problem::unreadable(&error))?;
        let text = context
            .client
            .with_zones(|| calendar::render(&series).map_err(internal))
            .await?;
        let tag = format!("\"{}\"", random::digest(&text));
        let response = if conditions::not_modified(context.request, &tag) {
            Response::empty(304)
        } else {
            Response {
                status: 200,
                headers: vec![("content-type", format!("{MEDIA_TYPE}; charset=utf-8"))],
                body: text.into_bytes(),
            }
        };
        // The response may be stored by its reader alone, and must be revalidated each time.
        Ok(response
            .header("etag", tag)
            .header("cache-control", "private, no-cache"))
    })
}

/// Returns the statement that reads the series. The user's own policies decide which classes they
/// are, because the statement reads them after the context has become the user's.
fn statement() -> Statement {
    Statement::named("calendar.feed.read", "select
  case
    when lms.enter_calendar_feed(decode($1->>'token_hash', 'hex')) then lms.calendar_feed_series()::text
  end as body,
  null::text as tag")
}
