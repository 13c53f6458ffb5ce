//! Converts the host's HTTP requests to those of this crate, and its responses to the host's. The
//! routing and handling of a request is in `pipeline`.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use spin_sdk::http::FullBody;

use crate::declare::component::Component;
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::log::Event;
use crate::pipeline;
use crate::pipeline::body_reader::{Body, BodyReader, ImportedFile};
use crate::settings;
use crate::spin::deadline::within;
use crate::spin::postgres::Postgres;
use crate::spin::variables::{settings, variable};
use crate::values::random;

/// A request as the host passes it.
pub type Incoming = spin_sdk::http::Request;
/// A response as the host takes it.
pub type Outgoing = spin_sdk::http::Response<FullBody<Bytes>>;

/// Serves a request with the component's table.
pub async fn serve(component: &Component, request: Incoming) -> Outgoing {
    let settings = match settings(component.application.regions).await {
        Ok(settings) => settings,
        Err(cause) => return into_outgoing(component.name, unavailable(component.name, &cause)),
    };
    let (parts, body) = request.into_parts();
    let mut request = without_body(parts);
    let taken = match pipeline::resolve::resolve(component, &settings, &request) {
        Ok(mut plan) => match receive_body(&mut request, body, plan.body_reader()).await {
            Ok(file) => Ok((plan, file)),
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    };
    let response = match taken {
        Ok((plan, file)) => {
            let database = Postgres::new(&settings, plan.is_long_running());
            pipeline::handle(component, &settings, &database, &request, plan, file).await
        }
        Err(problem) => {
            let origins = &settings.allowed_origins;
            pipeline::respond(component.name, origins, &request, || Err(problem))
        }
    };
    into_outgoing(component.name, response)
}

/// Serves a request by `respond`, which receives the allowed origins and reads no body.
pub async fn serve_files(
    name: &str,
    respond: fn(&[String], &Request) -> Response,
    request: Incoming,
) -> Outgoing {
    let response = match variable("allowed_origins").await {
        Ok(origins) => {
            let (parts, _) = request.into_parts();
            respond(&settings::origins(&origins), &without_body(parts))
        }
        Err(cause) => unavailable(name, &cause),
    };
    into_outgoing(name, response)
}

/// Serves a request of another component of the application.
pub async fn serve_service_requests(
    name: &str,
    answer: fn(&str, &[u8]) -> Result<String, Problem>,
    request: Incoming,
) -> Outgoing {
    let (parts, body) = request.into_parts();
    let request = without_body(parts);
    let body = match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => Err(Problem::new(Kind::Malformed)),
    };
    let answered = body.and_then(|body| answer(&request.path, &body));
    let response = match answered {
        Ok(answer) => Response::json(200, answer),
        Err(problem) => {
            let cause = problem.cause.as_deref().unwrap_or("malformed request");
            log(name, problem.status(), headers::trace_id(&request), cause);
            Response::empty(problem.status())
        }
    };
    into_outgoing(name, response)
}

/// Returns the response when there are no usable settings.
fn unavailable(name: &str, cause: &str) -> Response {
    let problem = Problem::new(Kind::Unavailable).header("retry-after", "30");
    log(name, problem.status(), None, cause);
    let request_id = random::id().to_string();
    let response = Response::problem(&problem, &request_id);
    let length = response.body.len().to_string();
    response
        .header("x-request-id", request_id)
        .header("content-length", length)
}

/// Logs why a component failed, outside of the pipeline.
fn log(component: &str, status: u16, trace_id: Option<&str>, cause: &str) {
    let event = Event {
        component,
        operation: None,
        status,
        request_id: None,
        trace_id,
        message: cause,
    };
    event.log();
}

/// Reads the body into the request, or as an imported file. If a body has no meaning, the host is
/// not asked for one, because that would cost more than the routing.
async fn receive_body<B>(
    request: &mut Request,
    body: B,
    reader: Option<BodyReader>,
) -> Result<Option<ImportedFile>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Some(reader) = reader else {
        return Ok(None);
    };
    match read_body(request, body, reader).await? {
        Body::Bytes(bytes) => {
            request.body = bytes;
            Ok(None)
        }
        Body::File(file) => Ok(Some(file)),
    }
}

/// Returns the request without its body.
fn without_body(parts: http::request::Parts) -> Request {
    Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: Vec::new(),
    }
}

async fn read_body<B>(
    request: &Request,
    mut body: B,
    mut reader: BodyReader,
) -> Result<Body, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    // A length that cannot be parsed is no reason to refuse, because the received bytes are counted
    // anyway.
    if let Some(length) = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
    {
        reader.check_content_length(length)?;
    }
    let begun = Instant::now();
    let too_slow = || {
        Problem::new(Kind::TooSlow).detail(
            "The request body arrived too slowly. Send it faster, or in \
        several requests.",
        )
    };
    while let Some(frame) = within(reader.next_timeout(begun.elapsed()), body.frame())
        .await
        .ok_or_else(too_slow)?
    {
        let frame = frame.map_err(|_| {
            Problem::new(Kind::Malformed)
                .detail("The connection was closed before the end of the request body.")
        })?;
        if let Ok(data) = frame.into_data() {
            reader.take(&data)?;
        }
    }
    reader.finish()
}

fn into_outgoing(component: &str, response: Response) -> Outgoing {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(FullBody::new(Bytes::from(response.body)))
        .unwrap_or_else(|error| {
            log(
                component,
                500,
                None,
                &format!("a header is not valid: {error}"),
            );
            let mut response = http::Response::new(FullBody::new(Bytes::new()));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
}
