//! The path of a request, the same for every endpoint of every component. The declarations of the
//! endpoints are in `declare`.
//!
//! `resolve` makes the plan from the head, `body_reader` reads the body, and `handle` runs one
//! statement and makes the response of its result.

mod actions;
pub mod authenticate;
pub mod body_reader;
pub mod conditions;
mod idempotency;
pub mod import;
mod request_context;
pub mod resolve;
mod router;
#[cfg(test)]
mod tests;
mod verbs;

use std::time::Instant;

use http::Method;
use url::form_urlencoded;

use crate::auth::policy::Verb;
use crate::declare::component::Component;
use crate::declare::endpoint::Operation;
use crate::http::headers;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::log::Event;
use crate::pipeline::body_reader::ImportedFile;
use crate::pipeline::request_context::RequestContext;
use crate::pipeline::resolve::{Destination, RequestPlan, Resolved};
use crate::settings::Settings;
use crate::sql::context::DatabaseContext;
use crate::sql::database::{Client, Database};

/// Handles a request as planned, with the file that it imports, if any.
pub async fn handle(
    component: &Component,
    settings: &Settings,
    database: &dyn Database,
    request: &Request,
    plan: RequestPlan,
    file: Option<ImportedFile>,
) -> Response {
    let request_id = headers::request_id(request);
    let started = Instant::now();
    let (operation, tenant) = (plan.operation(), plan.tenant);
    let (result, microseconds) = match plan.destination {
        Err(problem) => (Err(problem), 0),
        Ok(Destination::Options(allow)) => {
            let response = headers::options(&settings.allowed_origins, request, allow);
            (Ok(response), 0)
        }
        Ok(Destination::Endpoint(resolved)) => {
            match database_context(&resolved, settings, request, file.as_ref(), &request_id) {
                Err(problem) => (Err(problem), 0),
                Ok(context) => {
                    let client = Client::new(database, context);
                    let context = RequestContext::new(request, settings, client, *resolved);
                    let result = perform(component, &context, file).await;
                    let result = result.map_err(|problem| locate_parameters(request, problem));
                    (result, context.client.microseconds())
                }
            }
        }
    };
    if let Err(problem) = &result {
        log(component.name, operation, request, &request_id, problem);
    }
    let mut response = finish(
        result,
        &settings.allowed_origins,
        request,
        request_id,
        microseconds,
        started,
    );
    if let Some(tenant) = tenant {
        headers::name_tenant(&mut response, request, tenant);
    }
    response
}

/// Performs the operation of the request's endpoint.
async fn perform(
    component: &Component,
    context: &RequestContext<'_>,
    file: Option<ImportedFile>,
) -> Result<Response, Problem> {
    match (context.operation, file) {
        (Operation::Verb(resource, Verb::Import), Some(file)) => {
            verbs::import(context, resource, context.granted()?, file.batch).await
        }
        (Operation::Verb(resource, verb), _) => {
            verbs::perform(context, component, resource, verb, context.granted()?).await
        }
        (Operation::Action(action), _) => actions::perform(context, action).await,
    }
}

/// Points the errors of a request that has no body at its query parameters: the database knows a
/// field only by its name.
fn locate_parameters(request: &Request, mut problem: Problem) -> Problem {
    if request.method != Method::GET {
        return problem;
    }
    let query = request.query.as_deref().unwrap_or_default();
    for error in &mut problem.errors {
        if let Some(name) = error.pointer.strip_prefix('/')
            && form_urlencoded::parse(query.as_bytes()).any(|(given, _)| given == name)
        {
            error.pointer = format!("?{name}");
        }
    }
    problem
}

/// Returns the context in which the statement runs.
fn database_context<'a>(
    resolved: &Resolved,
    settings: &'a Settings,
    request: &Request,
    file: Option<&ImportedFile>,
    request_id: &'a str,
) -> Result<DatabaseContext<'a>, Problem> {
    let mut context = DatabaseContext::new(
        &settings.cell,
        &settings.region,
        resolved.caller.as_ref(),
        request_id,
    );
    if let Some(key) = &resolved.idempotency_key {
        let content = file.map_or(&request.body, |file| &file.digest);
        context.idempotency_key = Some(key.clone());
        context.fingerprint = Some(idempotency::fingerprint(request, content, &settings.keys)?);
    }
    Ok(context)
}

/// Returns the response of a component to a request without the database: a file, or the problem of
/// its body.
pub fn respond(
    component: &str,
    allowed_origins: &[String],
    request: &Request,
    produce: impl FnOnce() -> Result<Response, Problem>,
) -> Response {
    let request_id = headers::request_id(request);
    let started = Instant::now();
    let result = headers::check_single(request).and_then(|()| produce());
    if let Err(problem) = &result {
        log(component, None, request, &request_id, problem);
    }
    finish(result, allowed_origins, request, request_id, 0, started)
}

/// Logs the cause of a problem for the operator, if it has one.
fn log(
    component: &str,
    operation: Option<Operation>,
    request: &Request,
    request_id: &str,
    problem: &Problem,
) {
    let Some(cause) = &problem.cause else {
        return;
    };
    let event = Event {
        component,
        operation: operation.map(|operation| operation.id()),
        status: problem.status(),
        request_id: Some(request_id),
        trace_id: headers::trace_id(request),
        message: cause,
    };
    event.log();
}

/// Returns the response with the headers that all responses have.
fn finish(
    result: Result<Response, Problem>,
    allowed_origins: &[String],
    request: &Request,
    request_id: String,
    microseconds: u64,
    started: Instant,
) -> Response {
    let mut response = result.unwrap_or_else(|problem| Response::problem(&problem, &request_id));
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
