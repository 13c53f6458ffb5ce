//! The plain verbs over HTTP: list, get, create, update, delete, restore, import, export.

use http::Method;
use serde_json::{Map, Value, json};

use crate::component::Component;
use crate::conditions;
use crate::database::Answer;
use crate::listing::Listing;
use crate::pipeline::{Passage, settle};
use crate::policy::Verb;
use crate::problem::{Kind, Problem};
use crate::resource::Resource;
use crate::response::Response;
use crate::validation::Purpose;
use crate::{export, headers, import, random, statements};

/// Serves a plain verb.
pub(crate) async fn serve(
    passage: &Passage<'_>,
    component: &Component,
    resource: &'static Resource,
    verb: Verb,
) -> Result<Response, Problem> {
    match verb {
        Verb::List => list(passage, component, resource).await,
        Verb::Get => get(passage, resource).await,
        Verb::Create => create(passage, resource).await,
        Verb::Update => update(passage, resource).await,
        Verb::Delete => delete(passage, resource).await,
        Verb::Restore => restore(passage, resource).await,
        Verb::Import => import_file(passage, resource).await,
        Verb::Export | Verb::Action(_) => Err(Problem::new(Kind::NotFound)),
    }
}

async fn list(
    passage: &Passage<'_>,
    component: &Component,
    resource: &'static Resource,
) -> Result<Response, Problem> {
    let can_export = resource.verbs.contains(&Verb::Export)
        && component
            .grant(resource.name, passage.grant.role, Verb::Export)
            .is_some();
    let media: &[&str] = if can_export {
        &["application/json", "text/csv"]
    } else {
        &["application/json"]
    };
    let accepted = headers::accepts(passage.request, media)?;
    let listing = Listing::parse(passage.request, resource, passage.grant)?;
    let is_file = accepted == "text/csv";
    let statement = if is_file {
        export::statement(&listing, resource, passage.grant)
    } else {
        listing.statement(resource, passage.grant)
    };
    let answer = match passage.run(&statement, listing.arguments()).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    let body = answer.body.ok_or_else(|| Problem::new(Kind::Internal).cause("a list without an answer"))?;
    if is_file {
        let name = format!("attachment; filename=\"{}.csv\"", resource.name);
        return Ok(Response {
            status: 200,
            headers: vec![
                ("content-type", "text/csv; charset=utf-8".to_owned()),
                ("content-disposition", name),
            ],
            body: body.into_bytes(),
        });
    }
    let response = Response::json(200, body);
    Ok(match answer.tag {
        Some(cursor) => response.header("link", next_link(passage, &cursor)),
        None => response,
    })
}

/// `Link: <...>; rel="next"` (RFC 8288): the same query with the next cursor.
fn next_link(passage: &Passage<'_>, cursor: &str) -> String {
    let query = passage.request.query.as_deref().unwrap_or_default();
    let kept: String = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .flat_map(|pair| [pair, "&"])
        .collect();
    format!("<{}?{kept}cursor={cursor}>; rel=\"next\"", passage.request.path)
}

async fn get(passage: &Passage<'_>, resource: &Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    let statement = statements::get(resource, passage.grant);
    let answer = match passage.run(&statement, passage.parameters.clone()).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    single(passage, 200, answer)
}

/// One resource as the answer, with its tag; 304 when the client has that version already.
fn single(passage: &Passage<'_>, status: u16, answer: Answer) -> Result<Response, Problem> {
    let body = answer.body.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let etag = conditions::etag(&answer.tag.unwrap_or_default(), passage.grant.reads);
    let reads = passage.request.method == Method::GET || passage.request.method == Method::HEAD;
    if reads && conditions::not_modified(passage.request, &etag) {
        return Ok(Response::empty(304).header("etag", etag));
    }
    let response = Response::json(status, body).header("etag", etag);
    Ok(if answer.replayed {
        response.header("idempotency-replayed", "true")
    } else {
        response
    })
}

async fn create(passage: &Passage<'_>, resource: &Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    require_key(passage, resource)?;
    let input = passage.body(statements::settable(resource), Purpose::Create)?;
    let statement = statements::create(resource, passage.grant);
    let arguments = arguments(json!(random::id()), input, None);
    let answer = match passage.run(&statement, arguments).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    created(passage, resource.name, answer)
}

/// 201 with the place of what was made.
fn created(passage: &Passage<'_>, noun: &str, answer: Answer) -> Result<Response, Problem> {
    #[derive(serde::Deserialize)]
    struct Made {
        id: uuid::Uuid,
    }
    let made = answer
        .body
        .as_deref()
        .and_then(|body| serde_json::from_str::<Made>(body).ok());
    let response = single(passage, 201, answer)?;
    Ok(match made {
        Some(made) => response.header("location", format!("/v1/{noun}/{}", made.id)),
        None => response,
    })
}

fn require_key(passage: &Passage<'_>, resource: &Resource) -> Result<(), Problem> {
    if resource.requires_key && passage.request.header("idempotency-key").is_none() {
        return Err(Problem::new(Kind::PreconditionRequired)
            .detail("Send an Idempotency-Key with every write to this resource."));
    }
    Ok(())
}

fn arguments(id: Value, input: Map<String, Value>, version: Option<i64>) -> Map<String, Value> {
    let mut arguments = Map::new();
    arguments.insert("id".to_owned(), id);
    arguments.insert("input".to_owned(), Value::Object(input));
    arguments.insert("version".to_owned(), json!(version));
    arguments
}

fn path_id(passage: &Passage<'_>) -> Value {
    passage.parameters.get("id").cloned().unwrap_or_default()
}

async fn update(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    let version = conditions::expected_version(passage.request, resource.requires_match)?;
    let fields = resource.all_fields().collect::<Vec<_>>();
    let input = passage.body(fields.iter().copied(), Purpose::Update)?;
    let statement = statements::update(resource, passage.grant);
    let arguments = arguments(path_id(passage), input, version);
    match passage.run(&statement, arguments).await {
        Ok(answer) => single(passage, 200, answer),
        Err(failure) => settle(failure),
    }
}

async fn delete(passage: &Passage<'_>, resource: &Resource) -> Result<Response, Problem> {
    passage.no_query()?;
    let version = conditions::expected_version(passage.request, resource.requires_match)?;
    let statement = statements::delete(resource, passage.grant);
    let arguments = arguments(path_id(passage), Map::new(), version);
    match passage.run(&statement, arguments).await {
        Ok(answer) if answer.body.is_some() => Ok(Response::empty(204)),
        Ok(_) => Err(Problem::new(Kind::NotFound)),
        Err(failure) => settle(failure),
    }
}

async fn restore(passage: &Passage<'_>, resource: &Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    let statement = statements::restore(resource, passage.grant);
    let arguments = arguments(path_id(passage), Map::new(), None);
    match passage.run(&statement, arguments).await {
        Ok(answer) => single(passage, 200, answer),
        Err(failure) => settle(failure),
    }
}

async fn import_file(passage: &Passage<'_>, resource: &Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    headers::content_type(passage.request, &["text/csv"])?;
    require_key(passage, resource)?;
    let dry_run = headers::dry_run(passage.request)?;
    let rows = import::rows(resource, passage.grant, &passage.request.body)?;
    let statement = import::statement(resource);
    let mut arguments = Map::new();
    arguments.insert("rows".to_owned(), Value::Array(rows));
    arguments.insert("dry_run".to_owned(), json!(dry_run));
    match passage.run(&statement, arguments).await {
        Ok(answer) => {
            let body = answer.body.ok_or_else(|| {
                Problem::new(Kind::Internal).cause("an import without an answer")
            })?;
            let response = Response::json(201, body);
            Ok(if answer.replayed {
                response.header("idempotency-replayed", "true")
            } else {
                response
            })
        }
        Err(failure) => settle(failure),
    }
}
