//! The plan of a request, decided once from its head: endpoint, caller, grant, how the body is read, and how long the
//! statement may take. No database is needed, and nothing later asks again.
//!
//! The plan is carried out by `pipeline::handle`.

use http::Method;
use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::policy::{Access, Grant, Verb};
use crate::declare::action::{Action, Handler};
use crate::declare::component::{Component, Endpoint, Operation};
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

/// Most bytes of a body.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Most bytes of a file that is imported.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// The plan of a request.
pub struct Plan {
    /// Its destination, or the problem that is answered once its body was taken: a body that is left behind would cost the
    /// client its connection.
    pub(crate) destination: Result<Destination, Problem>,
    /// Takes the body in; none where a body has no meaning.
    reader: Option<BodyReader>,
}

/// The destination of a request.
pub(crate) enum Destination {
    /// An endpoint.
    Endpoint(Box<Resolved>),
    /// `OPTIONS`: the methods that the path knows.
    Options(String),
}

/// An endpoint with all that the head says about the request.
pub(crate) struct Resolved {
    pub(crate) operation: Operation,
    /// The values of the path's parameters.
    pub(crate) parameters: Map<String, Value>,
    /// The caller; none where anybody may call.
    pub(crate) caller: Option<Caller>,
    /// The grant of the access table; none where no role is needed.
    pub(crate) grant: Option<&'static Grant>,
    /// The `Idempotency-Key`, where the response is kept for one.
    pub(crate) idempotency_key: Option<String>,
}

impl Plan {
    /// Hands over what takes the body in; none where a body has no meaning, or its coding.
    pub fn body_reader(&mut self) -> Option<BodyReader> {
        self.reader.take()
    }

    /// Returns whether the request's statement may take longer than others.
    pub fn is_long_running(&self) -> bool {
        let Ok(Destination::Endpoint(resolved)) = &self.destination else {
            return false;
        };
        match resolved.operation {
            Operation::Verb(_, verb) => verb == Verb::Import,
            Operation::Action(action) => matches!(
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
/// The problems that are answered without a look at the body: 400 for a header that is there twice, and those of an import's
/// head.
pub fn resolve(
    component: &Component,
    settings: &Settings,
    request: &Request,
) -> Result<Plan, Problem> {
    headers::check_single(request)?;
    let (endpoint, parameters) = match router::find(component, &request.method, &request.path) {
        Ok(Route::Endpoint(endpoint, parameters)) => (endpoint, parameters),
        Ok(Route::Options(allow)) => return Ok(plan(request, Ok(Destination::Options(allow)))),
        Err(problem) => return Ok(plan(request, Err(problem))),
    };
    let (caller, grant) = match authorize(component, &endpoint, request, settings) {
        Ok(admitted) => admitted,
        Err(problem) => return Ok(plan(request, Err(problem))),
    };
    let key = idempotency_key(component, &endpoint, request);
    let resolved = |key: Option<String>| {
        let is_kept = caller.is_some() && is_kept(endpoint.operation);
        Destination::Endpoint(Box::new(Resolved {
            operation: endpoint.operation,
            parameters,
            caller,
            grant,
            idempotency_key: key.filter(|_| is_kept),
        }))
    };
    match (endpoint.operation, grant) {
        (Operation::Verb(resource, Verb::Import), Some(grant)) => {
            let key = key?;
            let rows = import_reader(request, resource, grant)?;
            let reader = BodyReader::file(MAX_FILE_BYTES, rows, key.is_some());
            Ok(Plan {
                reader: Some(reader.coded(headers::is_coded(request))),
                destination: Ok(resolved(key)),
            })
        }
        _ => Ok(plan(request, key.map(resolved))),
    }
}

/// The plan of a request whose body, if it has one, is kept as bytes.
fn plan(request: &Request, destination: Result<Destination, Problem>) -> Plan {
    // A body has no meaning there (RFC 9110, section 9.3), nor has its coding.
    let has_body =
        ![Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE].contains(&request.method);
    let reader =
        has_body.then(|| BodyReader::bytes(MAX_BODY_BYTES).coded(headers::is_coded(request)));
    Plan {
        destination,
        reader,
    }
}

/// The caller, and what the access table grants; neither where anybody may call.
fn authorize(
    component: &Component,
    endpoint: &Endpoint,
    request: &Request,
    settings: &Settings,
) -> Result<(Option<Caller>, Option<&'static Grant>), Problem> {
    let authenticated = || authenticate(request, settings, component.application.roles);
    match endpoint.access() {
        Access::Public => Ok((None, None)),
        Access::SignedIn => Ok((Some(authenticated()?), None)),
        Access::Granted { resource, verb } => {
            let caller = authenticated()?;
            let grant = component
                .grant(resource, caller.role, verb)
                .ok_or_else(|| {
                    Problem::new(Kind::Forbidden).detail(format!(
                        "The role {} is not allowed to perform this operation.",
                        caller.role.name()
                    ))
                })?;
            Ok((Some(caller), Some(grant)))
        }
    }
}

/// The key of a `POST`, even where the response is not kept for it.
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

/// Returns whether the response is that of one statement, which is kept for an idempotency key. Without a caller there
/// is no tenant to keep it for.
fn is_kept(operation: Operation) -> bool {
    match operation {
        Operation::Verb(..)
        | Operation::Action(Action {
            handler: Handler::Statement { .. },
            ..
        }) => true,
        Operation::Action(_) => false,
    }
}

/// The reader of the file that the request brings, once nothing else is wrong with the request.
fn import_reader(
    request: &Request,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<import::Reader, Problem> {
    headers::accepts(request, &["application/json"])?;
    headers::content_type(request, &["text/csv"])?;
    let query = query::parameters(request, &[DRY_RUN])?;
    let dry_run = query.get("dry_run").is_some_and(|value| value == "true");
    Ok(import::Reader::new(resource, grant, dry_run))
}
