//! The way of a request, in one place, the same for every endpoint of every component.
//!
//! Route, caller, access, input, one statement, answer. What an endpoint does beyond that stands in its
//! declaration or its action.

pub mod authenticate;
pub mod body_reader;
pub mod conditions;
mod idempotency;
pub mod import;
mod request_context;
mod router;
#[cfg(test)]
mod tests;
mod verbs;

use std::time::Instant;

use http::Method;
use serde_json::Map;

use crate::auth::caller::Caller;
use crate::auth::policy::{Access, Fields, Grant, Verb};
use crate::auth::role::Role;
use crate::declare::action::{Action, Call, Run, Shape};
use crate::declare::component::{Component, Does, Endpoint};
use crate::declare::query;
use crate::declare::validation::Purpose;
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::pipeline::body_reader::{Intake, Rows};
use crate::pipeline::request_context::Passage;
use crate::pipeline::router::Route;
use crate::settings::Settings;
use crate::sql::context::Context;
use crate::sql::database::{Client, Database};
use crate::sql::{sqlstate, statement_cache};

/// What an endpoint that anybody or any caller may use reads and writes.
static OWN: Grant = Grant {
    role: Role::new(""),
    verbs: &[],
    reads: Fields::All,
    reads_of_others: None,
    own: None,
    writes: Fields::All,
    within: None,
};

/// Most bytes of a body.
const BODY: usize = 1024 * 1024;
/// Most bytes of a file that is imported.
const IMPORT: usize = 64 * 1024 * 1024;

/// How the request's body is taken in: much only from a caller who may import it, row by row.
///
/// # Errors
///
/// 400 for a header that is there twice; what is wrong with an import before its file is looked at.
pub fn intake(
    component: &Component,
    settings: &Settings,
    request: &Request,
) -> Result<Intake, Problem> {
    headers::check_single(request)?;
    if request.path.ends_with("/import")
        && let Ok(Route::Endpoint(endpoint, _)) =
            router::find(component, &request.method, &request.path)
        && let Does::Verb(resource, Verb::Import) = endpoint.does
        && let Ok((_, grant)) = admit(component, &endpoint, request, settings)
    {
        let is_required = component.requires_key(&endpoint);
        let has_key = idempotency::key(request, is_required)?.is_some();
        let reader = verbs::import_reader(request, resource, grant)?;
        return Ok(Intake::file(IMPORT, reader, has_key).coded(headers::is_coded(request)));
    }
    Ok(Intake::bytes(BODY).coded(headers::is_coded(request)))
}

/// Whether the request's statement may take longer than others.
pub fn is_lengthy(component: &Component, request: &Request) -> bool {
    request.method == Method::POST
        && matches!(
            router::find(component, &request.method, &request.path),
            Ok(Route::Endpoint(
                Endpoint {
                    does: Does::Action(Action {
                        run: Run::Lengthy(_),
                        ..
                    }),
                    ..
                },
                _
            ))
        )
}

/// Answers a request, with the rows of the file that it imports, if it does.
pub async fn handle(
    component: &Component,
    settings: &Settings,
    database: &dyn Database,
    request: &Request,
    rows: Option<Rows>,
) -> Response {
    let request_id = headers::request_id(request);
    let started = Instant::now();
    let mut microseconds = 0;
    let result = serve(
        component,
        settings,
        database,
        request,
        rows,
        &request_id,
        &mut microseconds,
    )
    .await;
    finish(
        result,
        &settings.allowed_origins,
        request,
        request_id,
        microseconds,
        started,
    )
}

/// Answers a request without the database: by a file, or by what is wrong with its body.
pub fn answer(
    allowed_origins: &[String],
    request: &Request,
    serve: impl FnOnce() -> Result<Response, Problem>,
) -> Response {
    let request_id = headers::request_id(request);
    let started = Instant::now();
    let result = headers::check_single(request).and_then(|()| serve());
    finish(result, allowed_origins, request, request_id, 0, started)
}

/// The answer with the headers that all have; of a problem, also a line with its cause for the operator.
fn finish(
    result: Result<Response, Problem>,
    allowed_origins: &[String],
    request: &Request,
    request_id: String,
    microseconds: u64,
    started: Instant,
) -> Response {
    let mut response = result.unwrap_or_else(|problem| {
        if let Some(cause) = &problem.cause {
            let (method, path) = (&request.method, &request.path);
            eprintln!("{request_id} {method} {path} {}: {cause}", problem.status());
        }
        Response::problem(&problem, &request_id)
    });
    let total = started.elapsed();
    headers::complete(
        &mut response,
        allowed_origins,
        request,
        request_id,
        microseconds,
        total,
    );
    response
}

async fn serve(
    component: &Component,
    settings: &Settings,
    database: &dyn Database,
    request: &Request,
    rows: Option<Rows>,
    request_id: &str,
    microseconds: &mut u64,
) -> Result<Response, Problem> {
    headers::check_single(request)?;
    let (endpoint, parameters) = match router::find(component, &request.method, &request.path)? {
        Route::Endpoint(endpoint, parameters) => (endpoint, parameters),
        Route::Options(allow) => {
            return Ok(headers::options(&settings.allowed_origins, request, allow));
        }
    };
    let (caller, grant) = admit(component, &endpoint, request, settings)?;
    let mut context = Context::new(
        &settings.cell,
        &settings.region,
        caller.as_ref(),
        request_id,
    );
    if request.method == Method::POST {
        let key = idempotency::key(request, component.requires_key(&endpoint))?;
        if let Some(key) = key.filter(|_| caller.is_some() && is_kept(endpoint.does)) {
            context.idempotency_key = Some(key);
            let content = rows.as_ref().map_or(&request.body, |rows| &rows.digest);
            let fingerprint = idempotency::fingerprint(request, content, &settings.keys)?;
            context.fingerprint = Some(fingerprint);
        }
    }
    let passage = Passage {
        request,
        settings,
        client: Client::new(database, context),
        caller,
        grant,
        parameters,
    };
    let result = match (endpoint.does, rows) {
        (Does::Verb(resource, Verb::Import), Some(rows)) => {
            verbs::import(&passage, resource, rows).await
        }
        (Does::Verb(resource, verb), _) => verbs::serve(&passage, component, resource, verb).await,
        (Does::Action(action), _) => act(&passage, action).await,
    };
    *microseconds = passage.client.microseconds();
    result
}

/// Whether the answer is that of one statement, which is kept for an idempotency key. Without a caller there
/// is no tenant to keep it for.
fn is_kept(does: Does) -> bool {
    match does {
        Does::Verb(..) => true,
        Does::Action(action) => !matches!(action.run, Run::Custom(_)),
    }
}

/// Who calls, and what the access table grants.
fn admit(
    component: &Component,
    endpoint: &Endpoint,
    request: &Request,
    settings: &Settings,
) -> Result<(Option<Caller>, &'static Grant), Problem> {
    match endpoint.access() {
        Access::Public => Ok((None, &OWN)),
        Access::SignedIn => Ok((
            Some(authenticate::authenticate(
                request,
                settings,
                component.application.roles,
            )?),
            &OWN,
        )),
        Access::Granted { resource, verb } => {
            let caller =
                authenticate::authenticate(request, settings, component.application.roles)?;
            let grant = component
                .grant(resource, caller.role, verb)
                .ok_or_else(|| {
                    Problem::new(Kind::Forbidden)
                        .detail(format!("The role {} may not do this.", caller.role.name()))
                })?;
            Ok((Some(caller), grant))
        }
    }
}

/// Serves an action.
async fn act(passage: &Passage<'_>, action: &'static Action) -> Result<Response, Problem> {
    let media = headers::accepts(passage.request, &action.answers.media())?;
    let query = query::parameters(passage.request, action.query)?;
    let body = match action.body {
        // Where nothing must be said, nothing need be sent.
        Some(fields)
            if passage.request.body.is_empty() && fields.iter().all(|field| !field.required) =>
        {
            Map::new()
        }
        Some(fields) => {
            let purpose = if action.method == Method::PATCH {
                Purpose::Update
            } else {
                Purpose::Create
            };
            passage
                .client
                .with_zones(|| passage.body(fields.iter(), purpose))
                .await?
        }
        None => {
            if action.method != Method::GET && action.method != Method::DELETE {
                passage.no_body()?;
            }
            Map::new()
        }
    };
    let call = Call {
        request: passage.request,
        path: &passage.parameters,
        body,
        query,
        caller: passage.caller.as_ref(),
        settings: passage.settings,
        client: &passage.client,
    };
    let key = statement_cache::Key::new(action.operation, "", passage.grant);
    let (statement, arguments) = match action.run {
        Run::Custom(run) => return run(&call).await,
        Run::Statement(build) | Run::Lengthy(build) => {
            (statement_cache::get(key, build), call.arguments())
        }
        Run::View(build) => (
            statement_cache::get(key, || build(passage.grant)),
            call.arguments(),
        ),
        Run::Prepared(prepare, build) => (
            statement_cache::get(key, || build(passage.grant)),
            passage.client.with_zones(|| prepare(&call)).await?,
        ),
        Run::Asking(ask, build) => (
            statement_cache::get(key, || build(passage.grant)),
            ask(&call).await?,
        ),
    };
    let answer = match passage.run(&statement, arguments).await {
        Ok(answer) => answer,
        Err(failure) => return sqlstate::settle(failure),
    };
    let Some(body) = answer.body else {
        return Err(Problem::new(Kind::NotFound));
    };
    let mut response = action.answers.respond(media, body)?;
    if let Some(version) = &answer.tag {
        let etag = conditions::etag(version, passage.grant);
        response = conditions::tagged(passage.request, response, etag);
    }
    response = response.replayed(answer.replayed);
    match (action.answers.status, action.answers.schema) {
        (201, Some(Shape::Resource(resource))) => verbs::located(response, resource.name),
        _ => Ok(response),
    }
}
