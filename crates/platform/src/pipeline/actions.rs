//! Performs actions: checks the input, runs the statement, and makes the response of its result.
//! The plain verbs are in `pipeline::verbs`.

use http::Method;
use serde_json::{Map, Value};

use crate::declare::action::{Action, Arguments, Handler};
use crate::declare::action_context::ActionContext;
use crate::declare::query;
use crate::declare::response_spec::ResponseSchema;
use crate::declare::validation::WriteMode;
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::response::Response;
use crate::pipeline::conditions;
use crate::pipeline::request_context::RequestContext;
use crate::pipeline::verbs;
use crate::sql::database::QueryResult;
use crate::sql::{sqlstate, statement_cache};

/// Performs an action.
pub(crate) async fn perform(
    context: &RequestContext<'_>,
    action: &'static Action,
) -> Result<Response, Problem> {
    let media = headers::negotiate(context.request, &action.response.media())?;
    let query = query::parameters(context.request, action.query)?;
    let body = read_body(context, action).await?;
    let input = ActionContext {
        request: context.request,
        path: &context.parameters,
        body,
        query,
        caller: context.caller.as_ref(),
        settings: context.settings,
        client: &context.client,
    };
    let arguments = match action.handler {
        Handler::Custom(handle) => return handle(&input).await,
        Handler::Statement { arguments, .. } => match arguments {
            Arguments::Input => input.arguments(),
            Arguments::Prepared(prepare) => context.client.with_zones(|| prepare(&input)).await?,
            Arguments::PreparedAsync(prepare) => prepare(&input).await?,
        },
    };
    let key = statement_cache::Key::new(action.id, "", context.grant);
    let statement = statement_cache::get_or_try(key, || {
        action.query_statement(context.grant).ok_or_else(|| {
            Problem::new(Kind::Internal).cause(format!("{} has no statement", action.id))
        })
    })?;
    match context.run(&statement, arguments).await {
        Ok(result) => into_response(context, action, media, result),
        Err(error) => sqlstate::into_response(error),
    }
}

/// Returns the checked body; empty if the action has none.
async fn read_body(
    context: &RequestContext<'_>,
    action: &'static Action,
) -> Result<Map<String, Value>, Problem> {
    let Some(fields) = action.body else {
        if action.method != Method::GET && action.method != Method::DELETE {
            context.no_body()?;
        }
        return Ok(Map::new());
    };
    // A body may be left out if all of its fields may be.
    if context.request.body.is_empty() && fields.iter().all(|field| !field.required) {
        return Ok(Map::new());
    }
    let mode = if action.method == Method::PATCH {
        WriteMode::Update
    } else {
        WriteMode::Create
    };
    context
        .client
        .with_zones(|| context.body(fields.iter(), mode))
        .await
}

/// Makes the response of the statement's result.
fn into_response(
    context: &RequestContext<'_>,
    action: &'static Action,
    media: &'static str,
    result: QueryResult,
) -> Result<Response, Problem> {
    let Some(body) = result.body else {
        return Err(Problem::new(Kind::NotFound));
    };
    let mut response = action.response.render(media, body)?;
    if let Some(version) = &result.tag {
        let etag = conditions::etag(version, context.grant);
        response = conditions::tagged(context.request, response, etag);
    }
    response = response.replayed(result.replayed);
    match (action.response.status, action.response.schema) {
        (201, Some(ResponseSchema::Resource(resource))) => verbs::located(response, resource.name),
        _ => Ok(response),
    }
}
