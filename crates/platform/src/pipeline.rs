//! The way of a request, in one place, the same for every endpoint of every component.
//!
//! Route, caller, access, input, one statement, answer. What an endpoint does beyond that stands in its
//! declaration or its action.

use std::time::Instant;

use http::Method;
use serde_json::{Map, Value};

use crate::action::{Action, Call, Run};
use crate::caller::{self, Caller};
use crate::component::{Component, Does, Endpoint};
use crate::context::Context;
use crate::database::{Answer, Database, Failure};
use crate::field::Field;
use crate::idempotency;
use crate::policy::{Access, Fields, Grant};
use crate::problem::{FieldError, Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::router::{self, Route};
use crate::settings::Settings;
use crate::sql::Statement;
use crate::sqlstate::{self, Outcome};
use crate::validation::{self, Purpose};
use crate::{headers, verbs};

/// What an endpoint that anybody or any caller may use reads and writes.
static OWN: Grant = Grant {
    role: crate::role::Role::Student,
    verbs: &[],
    reads: Fields::All,
    reads_of_others: None,
    writes: Fields::All,
};

/// One request on its way.
pub(crate) struct Passage<'a> {
    pub(crate) request: &'a Request,
    pub(crate) settings: &'a Settings,
    pub(crate) database: &'a dyn Database,
    pub(crate) request_id: &'a str,
    pub(crate) caller: Option<Caller>,
    pub(crate) grant: &'static Grant,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) microseconds: std::cell::Cell<u64>,
}

/// Answers a request.
pub async fn handle(
    component: &Component,
    settings: &Settings,
    database: &dyn Database,
    request: &Request,
) -> Response {
    let request_id = headers::request_id(request);
    let started = Instant::now();
    let mut microseconds = 0;
    let result = serve(
        component,
        settings,
        database,
        request,
        &request_id,
        &mut microseconds,
    )
    .await;
    let mut response = result.unwrap_or_else(|problem| {
        if let Some(cause) = &problem.cause {
            eprintln!(
                "{request_id} {} {} {}: {cause}",
                request.method,
                request.path,
                problem.status()
            );
        }
        Response::problem(&problem, &request_id)
    });
    headers::complete(
        &mut response,
        settings,
        request,
        request_id,
        microseconds,
        started.elapsed(),
    );
    response
}

async fn serve(
    component: &Component,
    settings: &Settings,
    database: &dyn Database,
    request: &Request,
    request_id: &str,
    microseconds: &mut u64,
) -> Result<Response, Problem> {
    let (endpoint, parameters) = match router::find(component, &request.method, &request.path)? {
        Route::Endpoint(endpoint, parameters) => (endpoint, parameters),
        Route::Options(allow) => return Ok(headers::options(settings, request, allow)),
    };
    let (caller, grant) = admit(component, &endpoint, request, settings)?;
    let passage = Passage {
        request,
        settings,
        database,
        request_id,
        caller,
        grant,
        parameters,
        microseconds: std::cell::Cell::new(0),
    };
    let result = match endpoint.does {
        Does::Verb(resource, verb) => verbs::serve(&passage, component, resource, verb).await,
        Does::Action(action) => passage.act(action).await,
    };
    *microseconds = passage.microseconds.get();
    result
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
        Access::SignedIn => Ok((Some(caller::identify(request, settings)?), &OWN)),
        Access::Granted { resource, verb } => {
            let caller = caller::identify(request, settings)?;
            let grant = component
                .grant(resource, caller.role, verb)
                .ok_or_else(|| {
                    Problem::new(Kind::Forbidden).detail(format!(
                        "The role {} may not do this.",
                        caller.role.name()
                    ))
                })?;
            Ok((Some(caller), grant))
        }
    }
}

impl<'a> Passage<'a> {
    /// The context of the request's statement, with its idempotency key.
    pub(crate) fn context(&self) -> Result<Context<'_>, Problem> {
        let mut context =
            Context::new(&self.settings.region, self.caller.as_ref(), self.request_id);
        // Without a caller there is no tenant to keep a key for; sign-in's answers hold secrets besides.
        if self.request.method == Method::POST && self.caller.is_some() {
            context.idempotency_key = idempotency::key(self.request)?;
            context.fingerprint = context
                .idempotency_key
                .map(|_| idempotency::fingerprint(self.request));
        }
        Ok(context)
    }

    /// Runs the request's statement.
    pub(crate) async fn run(
        &self,
        statement: &Statement,
        arguments: Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let context = self.context().map_err(|problem| {
            Failure::Unexpected(problem.detail.unwrap_or_default())
        })?;
        let answer = self
            .database
            .run(
                context.text(),
                statement,
                Value::Object(arguments).to_string(),
            )
            .await?;
        self.microseconds
            .set(self.microseconds.get() + answer.microseconds);
        Ok(answer)
    }

    /// The checked body of a request that has one.
    pub(crate) fn body(
        &self,
        fields: impl Iterator<Item = &'static Field> + Clone,
        purpose: Purpose,
    ) -> Result<Map<String, Value>, Problem> {
        let taken: &[&str] = match purpose {
            Purpose::Create => &["application/json"],
            Purpose::Update => &["application/merge-patch+json", "application/json"],
        };
        headers::content_type(self.request, taken)?;
        let object = validation::parse_object(&self.request.body)?;
        validation::body(fields, self.grant.writes, purpose, &object)
    }

    /// Refuses a query, where none is known.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        self.query(&[]).map(|_| ())
    }

    /// The checked query of an action.
    fn query(&self, fields: &'static [Field]) -> Result<Map<String, Value>, Problem> {
        let mut values = Map::new();
        let mut errors = Vec::new();
        for pair in self.request.parameters() {
            let (name, value) = pair.unwrap_or_default();
            let pointer = format!("?{}", name.chars().take(100).collect::<String>());
            let Some(field) = fields.iter().find(|field| field.name == name) else {
                let detail = "There is no such parameter.";
                errors.push(FieldError::new(pointer, "unknown_parameter", detail));
                continue;
            };
            match validation::scalar(field.kind, &value) {
                Ok(value) => {
                    if values.insert(name, Value::from(value)).is_some() {
                        let detail = "This parameter came before.";
                        errors.push(FieldError::new(pointer, "duplicate", detail));
                    }
                }
                Err((code, detail)) => errors.push(FieldError::new(pointer, code, detail)),
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if !values.contains_key(field.name) {
                let pointer = format!("?{}", field.name);
                errors.push(FieldError::new(pointer, "required", "This parameter is required."));
            }
        }
        if errors.is_empty() {
            Ok(values)
        } else {
            Err(Problem::malformed(errors))
        }
    }

    /// Serves an action.
    async fn act(&self, action: &'static Action) -> Result<Response, Problem> {
        headers::accepts(self.request, &["application/json"])?;
        let body = match action.body {
            Some(fields) => {
                let purpose = if action.method == Method::PATCH {
                    Purpose::Update
                } else {
                    Purpose::Create
                };
                self.body(fields.iter(), purpose)?
            }
            None => Map::new(),
        };
        let call = Call {
            request: self.request,
            path: &self.parameters,
            body,
            query: self.query(action.query)?,
            caller: self.caller.as_ref(),
            settings: self.settings,
            context: self.context()?,
            database: self.database,
            microseconds: &self.microseconds,
        };
        let (statement, arguments) = match action.run {
            Run::Custom(run) => return run(&call).await,
            Run::Statement(statement) => (statement(), call.arguments()),
            Run::View(statement) => (statement(self.grant), call.arguments()),
            Run::Prepared(prepare, statement) => (statement(self.grant), prepare(&call)?),
        };
        let answer = match self.run(&statement, arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let Some(body) = answer.body else {
            return Err(Problem::new(Kind::NotFound));
        };
        let mut response = if action.answers.schema.is_some() {
            Response::json(action.answers.status, body)
        } else {
            Response::empty(action.answers.status)
        };
        if let Some(version) = &answer.tag {
            response = response.header("etag", crate::conditions::etag(version, self.grant.reads));
        }
        if answer.replayed {
            response = response.header("idempotency-replayed", "true");
        }
        Ok(response)
    }
}

/// What is answered when a statement failed.
///
/// # Errors
///
/// The problem, unless it was a dry run.
pub fn settle(failure: Failure) -> Result<Response, Problem> {
    match sqlstate::outcome(failure) {
        Outcome::DryRun(body) => Ok(Response::json(200, body)),
        Outcome::Problem(problem) => Err(*problem),
    }
}
