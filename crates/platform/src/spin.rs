//! The one module that does input and output: HTTP, variables, PostgreSQL and other components by Spin's interfaces.
//!
//! Nothing else may open a connection (`clippy.toml` says so): a statement that doesn't go through
//! `lms.run` would run without a tenant's context.

use std::borrow::Cow;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{self, Either};
use http::Method;
use http_body_util::BodyExt;
use spin_sdk::http::FullBody;
use spin_sdk::pg::{
    Certificate, Connection, DbValue, Error, OpenOptions, ParameterValue, PgError, QueryError,
};
use spin_sdk::{time, variables};

use crate::component::Component;
use crate::database::{Answer, CALL, Database, Failure, Pause, Pending, Refusal};
use crate::intake::{Body, Intake, Rows};
use crate::pipeline;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::settings::{self, Settings};
use crate::sql::Statement;

/// How long the database may take in all. More than its own `statement_timeout`, whose refusal says more: this is
/// for a server that has fallen silent, and for a pool that has no connection left.
const DATABASE: Duration = Duration::from_secs(20);

/// How much longer a request with a lengthy statement may take in all than the statement.
const MARGIN: Duration = Duration::from_secs(5);

thread_local! {
    // Variables don't change while an instance lives, and reading five of them costs more than a route.
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

/// A request as the host hands it over.
pub type Incoming = spin_sdk::http::Request;
/// An answer as the host takes it.
pub type Outgoing = spin_sdk::http::Response<FullBody<Bytes>>;

/// Answers a request of the host with the component's table.
pub async fn serve(component: &Component, request: Incoming) -> Outgoing {
    let response = match settings().await {
        Ok(settings) => match read(component, &settings, request).await {
            (request, Ok(rows)) => {
                let is_long = rows.is_some() || pipeline::is_lengthy(component, &request);
                let database = Postgres::new(&settings, is_long);
                pipeline::handle(component, &settings, &database, &request, rows).await
            }
            (request, Err(problem)) => {
                pipeline::answer(&settings.allowed_origins, &request, || Err(problem))
            }
        },
        Err(cause) => refused(component.name, &cause),
    };
    sent(response)
}

/// Answers a request of the host by `respond`, which is told the allowed origins and reads no body.
pub async fn serve_files(
    name: &str,
    respond: fn(&[String], &Request) -> Response,
    request: Incoming,
) -> Outgoing {
    let response = match variable("allowed_origins").await {
        Ok(origins) => {
            let (parts, _) = request.into_parts();
            respond(&settings::origins(&origins), &head(parts))
        }
        Err(cause) => refused(name, &cause),
    };
    sent(response)
}

/// Answers the question of another component of the application.
pub async fn serve_questions(
    name: &str,
    answer: fn(&str, &[u8]) -> Result<String, Problem>,
    request: Incoming,
) -> Outgoing {
    let (parts, body) = request.into_parts();
    let request = head(parts);
    let question = match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => Err(Problem::new(Kind::Malformed)),
    };
    let answered = question.and_then(|question| answer(&request.path, &question));
    sent(match answered {
        Ok(answer) => Response::json(200, answer),
        Err(problem) => {
            let cause = problem.cause.as_deref().unwrap_or("not a question");
            eprintln!("{name} can't answer {}: {cause}", request.path);
            Response::empty(problem.status())
        }
    })
}

/// Asks another component of the application. See [`crate::service`].
///
/// # Errors
///
/// 503 when it has too much to do, 500 when it can't answer.
pub(crate) async fn ask(
    component: &str,
    path: &str,
    fair_queue_key: String,
    question: Vec<u8>,
) -> Result<Bytes, Problem> {
    let url = format!("http://{component}.spin.internal{path}");
    let failed = |cause: String| {
        Problem::new(Kind::Internal).cause(format!("{component} gave no answer: {cause}"))
    };
    let request = http::Request::post(url)
        .header("fair-queue-key", fair_queue_key)
        .body(FullBody::new(Bytes::from(question)))
        .map_err(|error| failed(error.to_string()))?;
    let response = spin_sdk::http::send(request)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let (parts, body) = response.into_parts();
    if parts.status == http::StatusCode::SERVICE_UNAVAILABLE {
        return Err(Problem::new(Kind::Unavailable)
            .detail("Too much is under way; come again.")
            .header("retry-after", "5"));
    }
    if parts.status != http::StatusCode::OK {
        return Err(failed(parts.status.to_string()));
    }
    let body = body.collect().await;
    Ok(body.map_err(|error| failed(error.to_string()))?.to_bytes())
}

/// The answer when there are no settings to serve by.
fn refused(name: &str, cause: &str) -> Response {
    eprintln!("{name} can't serve: {cause}");
    let problem = Problem::new(Kind::Unavailable).header("retry-after", "30");
    let request_id = crate::random::id().to_string();
    let response = Response::problem(&problem, &request_id);
    let length = response.body.len().to_string();
    response
        .header("x-request-id", request_id)
        .header("content-length", length)
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name)
        .await
        .map_err(|_| format!("variable {name} is not set"))
}

async fn settings() -> Result<Rc<Settings>, String> {
    if let Some(settings) = SETTINGS.with(|settings| settings.borrow().clone()) {
        return Ok(settings);
    }
    let mut values = std::collections::BTreeMap::new();
    for name in [
        "cell",
        "region",
        "base_urls",
        "signing_keys",
        "database_url",
        "database_ca",
        "allowed_origins",
        "webhook_networks",
        "trusted_proxies",
        "client_address_header",
    ] {
        values.insert(name, variable(name).await?);
    }
    let settings = Rc::new(Settings::read(|name| {
        values
            .get(name)
            .cloned()
            .ok_or_else(|| format!("variable {name} is not set"))
    })?);
    SETTINGS.with(|slot| *slot.borrow_mut() = Some(settings.clone()));
    Ok(settings)
}

/// Reads the request and the rows of a file that it imports, or says why the body could not be read.
async fn read(
    component: &Component,
    settings: &Settings,
    request: Incoming,
) -> (Request, Result<Option<Rows>, Problem>) {
    let (parts, body) = request.into_parts();
    let mut request = head(parts);
    // A body has no meaning there (RFC 9110, section 9.3), nor has its coding: to ask the host for one costs more than to route.
    if [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE].contains(&request.method) {
        return (request, Ok(None));
    }
    let result = match pipeline::intake(component, settings, &request) {
        Ok(intake) => read_body(&request, body, intake).await,
        Err(problem) => Err(problem),
    };
    let result = match result {
        Ok(Body::Bytes(bytes)) => {
            request.body = bytes;
            Ok(None)
        }
        Ok(Body::Rows(rows)) => Ok(Some(rows)),
        Err(problem) => Err(problem),
    };
    (request, result)
}

/// The request without its body.
fn head(parts: http::request::Parts) -> Request {
    Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: Vec::new(),
    }
}

async fn read_body<B>(request: &Request, mut body: B, mut intake: Intake) -> Result<Body, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    // A length that can't be parsed is no reason to refuse: what comes is counted anyway.
    if let Some(length) = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
    {
        intake.announce(length)?;
    }
    let begun = Instant::now();
    let too_slow = || Problem::new(Kind::TooSlow).detail("Send the body faster, or in parts.");
    while let Some(frame) = within(intake.patience(begun.elapsed()), body.frame())
        .await
        .ok_or_else(too_slow)?
    {
        let frame = frame.map_err(|_| {
            Problem::new(Kind::Malformed).detail("The body broke off before its end.")
        })?;
        if let Ok(data) = frame.into_data() {
            intake.take(&data)?;
        }
    }
    intake.finish()
}

/// What comes of it within the time; none, and it is given up, when that is over.
async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    match future::select(pin!(what), pin!(time::sleep(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn sent(response: Response) -> Outgoing {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(FullBody::new(Bytes::from(response.body)))
        .unwrap_or_else(|error| {
            eprintln!("an answer's header could not be written: {error}");
            let mut response = http::Response::new(FullBody::new(Bytes::new()));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
}

/// PostgreSQL through Spin: a connection from the host's pool for one statement, and no longer, for idle
/// instances that hold connections would starve the others.
struct Postgres<'s> {
    address: Cow<'s, str>,
    certificate: Option<&'s str>,
    /// How long it may take in all.
    limit: Duration,
}

impl<'s> Postgres<'s> {
    fn new(settings: &'s Settings, is_long: bool) -> Self {
        let (address, limit) = if is_long {
            let address = Cow::Owned(settings.lengthy_database_url());
            (address, settings::LENGTHY + MARGIN)
        } else {
            (Cow::Borrowed(settings.database_url.as_str()), DATABASE)
        };
        Postgres {
            address,
            certificate: settings.database_ca.as_deref(),
            limit,
        }
    }

    #[allow(clippy::disallowed_methods)] // The one place.
    async fn open(&self) -> Result<Connection, Error> {
        match self.certificate {
            None => Connection::open(&*self.address).await,
            Some(certificate) => {
                let ca_root = Some(Certificate::Text(certificate.to_owned()));
                Connection::open_with_options(&*self.address, OpenOptions { ca_root }).await
            }
        }
    }

    async fn call(&self, parameters: [ParameterValue; 4]) -> Result<Option<Vec<DbValue>>, Error> {
        let connection = self.open().await?;
        let mut result = connection.query(CALL, parameters).await?;
        let mut first = None;
        while let Some(row) = result.rows().next().await {
            first.get_or_insert(row);
        }
        result.result().await?;
        Ok(first)
    }
}

impl Database for Postgres<'_> {
    fn run<'a>(
        &'a self,
        context: String,
        statement: &'a Statement,
        arguments: String,
    ) -> Pending<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let parameters = [
                ParameterValue::Str(context),
                ParameterValue::Str(statement.name.clone()),
                ParameterValue::Str(statement.text.clone()),
                ParameterValue::Str(arguments),
            ];
            match within(self.limit, self.call(parameters)).await {
                Some(row) => answer(row.map_err(failure)?, started.elapsed().as_micros()),
                None => Err(Failure::Unavailable(format!(
                    "no answer within {} s",
                    self.limit.as_secs()
                ))),
            }
        })
    }

    fn pause<'a>(&'a self, long: Duration) -> Pause<'a> {
        Box::pin(time::sleep(long))
    }
}

/// The row of `lms.run`: body, tag, whether it was kept from an earlier request, and why there is none of these.
fn answer(row: Option<Vec<DbValue>>, microseconds: u128) -> Result<Answer, Failure> {
    let odd = |what: &str| Failure::Unexpected(format!("lms.run answered {what}"));
    let text = |value: DbValue| match value {
        DbValue::Str(text) => Ok(Some(text)),
        DbValue::DbNull => Ok(None),
        // Not the value itself, which may be somebody's: this becomes a line of the log.
        _ => Err(odd("something else for a text")),
    };
    match row.map(<[DbValue; 4]>::try_from) {
        Some(Ok([_, _, _, DbValue::Str(refusal)])) => match serde_json::from_str(&refusal) {
            Ok(refusal) => Err(Failure::Refused(Box::new(refusal))),
            Err(_) => Err(odd("a refusal that is none")),
        },
        Some(Ok([body, tag, DbValue::Boolean(replayed), DbValue::DbNull])) => Ok(Answer {
            body: text(body)?,
            tag: text(tag)?,
            replayed,
            microseconds: microseconds.try_into().unwrap_or(u64::MAX),
        }),
        _ => Err(odd("no row of four columns")),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::PgError(PgError::QueryFailed(QueryError::DbError(error))) => {
            let extra = |name: &str| {
                error
                    .extras
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.clone())
            };
            Failure::Refused(Box::new(Refusal {
                constraint: extra("constraint"),
                table: extra("table"),
                column: extra("column"),
                code: error.code,
                message: error.message,
                detail: error.detail,
            }))
        }
        Error::PgError(PgError::QueryFailed(QueryError::Text(text))) => Failure::Unavailable(text),
        Error::PgError(PgError::ConnectionFailed(text)) => Failure::Unavailable(text),
        Error::PgError(PgError::Other(text)) => Failure::Unavailable(text),
        other => Failure::Unexpected(other.to_string()),
    }
}
