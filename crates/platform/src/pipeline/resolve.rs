//! Makes the plan of a request from its head: the endpoint, the caller, the grant, the limits of
//! the body and the time limit of the statement. The plan is carried out by `pipeline::handle`.
//!
//! The plan needs no database, and nothing is decided again later.

use http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::caller::Caller;
use crate::auth::policy::{Access, Grant, Verb};
use crate::declare::action::{Action, Handler};
use crate::declare::component::Component;
use crate::declare::endpoint::{Endpoint, Operation};
use crate::declare::query;
use crate::declare::resource::{DRY_RUN, Resource};
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::pipeline::authenticate::authenticate;
use crate::pipeline::body_reader::BodyReader;
use crate::pipeline::idempotency;
use crate::pipeline::import;
use crate::pipeline::router::{self, Route};
use crate::settings::Settings;

/// The maximum size of a body, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The maximum size of an imported file, in bytes.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// The plan of a request.
pub struct RequestPlan {
    /// The destination, or the problem that is returned once the body was read. A body that is left
    /// unread would cost the client its connection.
    pub(crate) destination: Result<Destination, Problem>,
    /// The tenant of the caller, if the token is valid, even when the caller may do nothing.
    pub(crate) tenant: Option<Uuid>,
    /// Reads the body; none if the method gives a body no meaning.
    reader: Option<BodyReader>,
}

/// The destination of a request.
pub(crate) enum Destination {
    /// An endpoint.
    Endpoint(Box<Resolved>),
    /// `OPTIONS`, with the methods of the path.
    Options(String),
}

/// An endpoint with everything that the head tells of the request.
pub(crate) struct Resolved {
    pub(crate) operation: Operation,
    /// The values of the path's parameters.
    pub(crate) parameters: Map<String, Value>,
    /// The caller; none for a public endpoint.
    pub(crate) caller: Option<Caller>,
    /// The grant of the access table; none if no role is needed.
    pub(crate) grant: Option<&'static Grant>,
    /// The `Idempotency-Key`, if the response is stored for one.
    pub(crate) idempotency_key: Option<String>,
}

impl RequestPlan {
    /// Returns the reader of the body; none if the method gives a body no meaning, in which case
    /// its content coding is ignored too.
    pub fn body_reader(&mut self) -> Option<BodyReader> {
        self.reader.take()
    }

    /// Returns the operation of the request; none if it has no endpoint.
    pub(crate) fn operation(&self) -> Option<Operation> {
        match &self.destination {
            Ok(Destination::Endpoint(resolved)) => Some(resolved.operation),
            Ok(Destination::Options(_)) | Err(_) => None,
        }
    }

    /// Returns true if the statement of the request may take longer than others.
    pub fn is_long_running(&self) -> bool {
        match self.operation() {
            None => false,
            Some(Operation::Verb(_, verb)) => verb == Verb::Import,
            Some(Operation::Action(action)) => matches!(
                action.handler,
                Handler::Statement {
                    is_long_running: true,
                    ..
                }
            ),
        }
    }
}

/// Makes the plan of a request from its head.
///
/// # Errors
///
/// The problems that are returned without reading the body: 400 for a repeated header, and those of
/// the head of an import.
pub fn resolve(
    component: &Component,
    settings: &Settings,
    request: &Request,
) -> Result<RequestPlan, Problem> {
    headers::check_single(request)?;
    let (endpoint, parameters) = match router::find(component, &request.method, &request.path) {
        Ok(Route::Endpoint(endpoint, parameters)) => (endpoint, parameters),
        Ok(Route::Options(allow)) => {
            return Ok(plan(request, None, Ok(Destination::Options(allow))));
        }
        Err(problem) => return Ok(plan(request, None, Err(problem))),
    };
    let caller = match caller(component, &endpoint, request, settings) {
        Ok(caller) => caller,
        Err(problem) => return Ok(plan(request, None, Err(problem))),
    };
    let tenant = caller.as_ref().map(|caller| caller.tenant);
    let grant = match grant(component, &endpoint, caller.as_ref()) {
        Ok(grant) => grant,
        Err(problem) => return Ok(plan(request, tenant, Err(problem))),
    };
    let key = idempotency_key(component, &endpoint, request);
    let resolved = |key: Option<String>| {
        let is_stored = caller.is_some() && is_stored(endpoint.operation);
        Destination::Endpoint(Box::new(Resolved {
            operation: endpoint.operation,
            parameters,
            caller,
            grant,
            idempotency_key: key.filter(|_| is_stored),
        }))
    };
    match (endpoint.operation, grant) {
        (Operation::Verb(resource, Verb::Import), Some(grant)) => {
            let key = key?;
            let rows = import_reader(request, resource, grant)?;
            let reader = BodyReader::file(MAX_FILE_BYTES, rows, key.is_some());
            Ok(RequestPlan {
                reader: Some(reader.with_content_coding(headers::has_content_coding(request))),
                destination: Ok(resolved(key)),
                tenant,
            })
        }
        _ => Ok(plan(request, tenant, key.map(resolved))),
    }
}

/// Returns the plan of a request whose body, if it has one, is kept as bytes.
fn plan(
    request: &Request,
    tenant: Option<Uuid>,
    destination: Result<Destination, Problem>,
) -> RequestPlan {
    // These methods give a body no meaning (RFC 9110, section 9.3).
    let has_body =
        ![Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE].contains(&request.method);
    let reader = has_body.then(|| {
        BodyReader::bytes(MAX_BODY_BYTES).with_content_coding(headers::has_content_coding(request))
    });
    RequestPlan {
        destination,
        tenant,
        reader,
    }
}

/// Returns the caller, or none for a public endpoint.
fn caller(
    component: &Component,
    endpoint: &Endpoint,
    request: &Request,
    settings: &Settings,
) -> Result<Option<Caller>, Problem> {
    match endpoint.access() {
        Access::Public => Ok(None),
        Access::SignedIn | Access::Granted { .. } => {
            authenticate(request, settings, component.application.roles).map(Some)
        }
    }
}

/// Returns the caller's grant of the access table, or none if the endpoint needs none.
fn grant(
    component: &Component,
    endpoint: &Endpoint,
    caller: Option<&Caller>,
) -> Result<Option<&'static Grant>, Problem> {
    let Access::Granted { resource, verb } = endpoint.access() else {
        return Ok(None);
    };
    let caller = caller.ok_or_else(|| Problem::new(Kind::Unauthenticated))?;
    let grant = component
        .grant(resource, caller.role, verb)
        .ok_or_else(|| {
            Problem::new(Kind::Forbidden).detail(format!(
                "The role {} is not allowed to perform this operation.",
                caller.role.name()
            ))
        })?;
    Ok(Some(grant))
}

/// Returns the idempotency key of a `POST`, even if the response is not stored for it.
fn idempotency_key(
    component: &Component,
    endpoint: &Endpoint,
    request: &Request,
) -> Result<Option<String>, Problem> {
    if request.method != Method::POST {
        return Ok(None);
    }
    let key = idempotency::key(request, component.requires_key(endpoint))?;
    Ok(key.map(str::to_owned))
}

/// Returns true if the response is that of one statement, which is stored for an idempotency key.
/// Without a caller there is no tenant for which to store it.
fn is_stored(operation: Operation) -> bool {
    match operation {
        Operation::Verb(..)
        | Operation::Action(Action {
            handler: Handler::Statement { .. },
            ..
        }) => true,
        Operation::Action(_) => false,
    }
}

/// Returns the reader of an imported file, once the rest of the request is valid.
fn import_reader(
    request: &Request,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<import::Reader, Problem> {
    headers::negotiate(request, &["application/json"])?;
    headers::content_type(request, &["text/csv"])?;
    let query = query::parameters(request, &[DRY_RUN])?;
    let dry_run = query.get("dry_run").is_some_and(|value| value == "true");
    Ok(import::Reader::new(resource, grant, dry_run))
}
