//! The plain verbs over HTTP: list, get, create, update, delete, restore, import, export.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::auth::policy::{Grant, Verb};
use crate::declare::component::Component;
use crate::declare::query;
use crate::declare::resource::{AS_OF, DRY_RUN, Resource};
use crate::declare::statements::listing::Listing;
use crate::declare::statements::{export, import, single_row};
use crate::declare::validation::Purpose;
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::pipeline::body_reader::Rows;
use crate::pipeline::conditions;
use crate::pipeline::import::{Gathered, Reader};
use crate::pipeline::request_context::Passage;
use crate::sql::database::Answer;
use crate::sql::sqlstate::settle;
use crate::sql::statement_cache::{self, Key};
use crate::values::field_error::FieldError;
use crate::values::random;

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
        Verb::Import | Verb::Export | Verb::Action(_) => Err(Problem::new(Kind::NotFound)),
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
    let is_file = headers::accepts(passage.request, media)? == "text/csv";
    let language = passage
        .caller
        .as_ref()
        .and_then(|caller| caller.language.as_deref());
    let listing = Listing::parse(passage.request, resource, passage.grant)?.in_language(language);
    if is_file && listing.count {
        let detail = "A file has no place for a count.";
        let error = FieldError::parameter("count", "not_allowed", detail);
        return Err(Problem::malformed(vec![error]));
    }
    let statement = match listing.shape() {
        _ if is_file => Rc::new(export::statement(&listing, resource, passage.grant)),
        Some(shape) => {
            statement_cache::get(key(passage, resource, Verb::List).shaped(shape), || {
                listing.statement(resource, passage.grant)
            })
        }
        None => Rc::new(listing.statement(resource, passage.grant)),
    };
    let arguments = if is_file {
        listing.file_arguments()
    } else {
        listing.arguments()
    };
    let answer = match passage.run(&statement, arguments).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    let body = answer
        .body
        .ok_or_else(|| Problem::new(Kind::Internal).cause("a list without an answer"))?;
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
        Some(cursor) => response.header("link", next_link(passage.request, &cursor)),
        None => response,
    })
}

/// What the text of a verb's statement depends on.
fn key(passage: &Passage<'_>, resource: &'static Resource, verb: Verb) -> Key {
    Key::new(resource.name, verb.name(), passage.grant)
}

/// `Link: <...>; rel="next"` (RFC 8288): the same query with the next cursor.
fn next_link(request: &Request, cursor: &str) -> String {
    let kept: String = request
        .pairs()
        .filter(|(_, parameter)| parameter.as_ref().is_none_or(|(name, _)| name != "cursor"))
        .flat_map(|(pair, _)| [pair, "&"])
        .collect();
    format!("<{}?{kept}cursor={cursor}>; rel=\"next\"", request.path)
}

async fn get(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    let looking_back = query::parameters(passage.request, &[AS_OF])?;
    let statement = if looking_back.is_empty() {
        statement_cache::get(key(passage, resource, Verb::Get), || {
            single_row::get(resource, passage.grant)
        })
    } else if passage.grant.role.reads_history() {
        statement_cache::get(Key::new(resource.name, "get_as_of", passage.grant), || {
            single_row::get_as_of(resource, passage.grant)
        })
    } else {
        return Err(Problem::new(Kind::Forbidden).detail("Only an admin may look back in time."));
    };
    let mut arguments = passage.parameters.clone();
    arguments.extend(looking_back);
    let answer = match passage.run(&statement, arguments).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    single(passage, 200, answer)
}

/// One resource as the answer, with its tag; 304 when the client has that version already.
fn single(passage: &Passage<'_>, status: u16, answer: Answer) -> Result<Response, Problem> {
    let body = answer.body.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let tag = answer
        .tag
        .ok_or_else(|| Problem::new(Kind::Internal).cause("a resource without a version"))?;
    let etag = conditions::etag(&tag, passage.grant);
    let response = Response::json(status, body);
    Ok(conditions::tagged(passage.request, response, etag).replayed(answer.replayed))
}

async fn create(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    let input = passage
        .client
        .with_zones(|| {
            let input = passage.body(single_row::settable(resource), Purpose::Create)?;
            resource.ruled(Purpose::Create, input)
        })
        .await?;
    let statement = statement_cache::get(key(passage, resource, Verb::Create), || {
        single_row::create(resource, passage.grant)
    });
    let arguments = arguments(json!(random::id()), input, None);
    let answer = match passage.run(&statement, arguments).await {
        Ok(answer) => answer,
        Err(failure) => return settle(failure),
    };
    created(passage, resource.name, answer)
}

/// 201 with the place of what was made.
fn created(passage: &Passage<'_>, noun: &str, answer: Answer) -> Result<Response, Problem> {
    let response = single(passage, 201, answer)?;
    located(response, noun)
}

/// Adds the place of what was made.
pub(crate) fn located(response: Response, noun: &str) -> Result<Response, Problem> {
    #[derive(serde::Deserialize)]
    struct Made {
        id: uuid::Uuid,
    }
    // The id is among the fields that every grant reads.
    let made: Made =
        serde_json::from_slice(&response.body).map_err(|error| Problem::unreadable(&error))?;
    Ok(response.header("location", format!("/v1/{noun}/{}", made.id)))
}

fn arguments(id: Value, input: Map<String, Value>, versions: Option<&[i64]>) -> Map<String, Value> {
    let mut arguments = Map::new();
    arguments.insert("id".to_owned(), id);
    arguments.insert("input".to_owned(), Value::Object(input));
    arguments.insert("versions".to_owned(), json!(versions));
    arguments
}

fn path_id(passage: &Passage<'_>) -> Result<Value, Problem> {
    passage
        .parameters
        .get("id")
        .cloned()
        .ok_or_else(|| Problem::new(Kind::Internal).cause("a path without an id"))
}

async fn update(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    let versions = conditions::expected_versions(passage.request, resource.requires_match)?;
    let input = passage
        .client
        .with_zones(|| {
            let input = passage.body(resource.all_fields(), Purpose::Update)?;
            resource.ruled(Purpose::Update, input)
        })
        .await?;
    let statement = statement_cache::get(key(passage, resource, Verb::Update), || {
        single_row::update(resource, passage.grant)
    });
    let arguments = arguments(path_id(passage)?, input, versions.as_deref());
    match passage.run(&statement, arguments).await {
        Ok(answer) => single(passage, 200, answer),
        Err(failure) => settle(failure),
    }
}

async fn delete(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    passage.no_query()?;
    let versions = conditions::expected_versions(passage.request, resource.requires_match)?;
    let statement = statement_cache::get(key(passage, resource, Verb::Delete), || {
        single_row::delete(resource, passage.grant)
    });
    let arguments = arguments(path_id(passage)?, Map::new(), versions.as_deref());
    match passage.run(&statement, arguments).await {
        Ok(answer) if answer.body.is_some() => Ok(Response::empty(204)),
        Ok(_) => Err(Problem::new(Kind::NotFound)),
        Err(failure) => settle(failure),
    }
}

async fn restore(passage: &Passage<'_>, resource: &'static Resource) -> Result<Response, Problem> {
    headers::accepts(passage.request, &["application/json"])?;
    passage.no_query()?;
    passage.no_body()?;
    let statement = statement_cache::get(key(passage, resource, Verb::Restore), || {
        single_row::restore(resource, passage.grant)
    });
    let arguments = arguments(path_id(passage)?, Map::new(), None);
    match passage.run(&statement, arguments).await {
        Ok(answer) => single(passage, 200, answer),
        Err(failure) => settle(failure),
    }
}

/// The reader of the file that the request brings, once nothing else is wrong with the request.
pub(crate) fn import_reader(
    request: &Request,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Reader, Problem> {
    headers::accepts(request, &["application/json"])?;
    headers::content_type(request, &["text/csv"])?;
    let query = query::parameters(request, &[DRY_RUN])?;
    let dry_run = query.get("dry_run").is_some_and(|value| value == "true");
    Ok(Reader::new(resource, grant, dry_run))
}

/// Inserts the rows of a file.
pub(crate) async fn import(
    passage: &Passage<'_>,
    resource: &'static Resource,
    rows: Rows,
) -> Result<Response, Problem> {
    let statement = statement_cache::get(key(passage, resource, Verb::Import), || {
        import::statement(resource)
    });
    let gathered = rows.gathered.settled(&passage.client).await?;
    let Gathered {
        arguments,
        places,
        share,
        ..
    } = gathered;
    let answered = passage.client.run_text(&statement, arguments).await;
    // Until here the rows took their memory.
    drop(share);
    match answered {
        Ok(answer) => {
            let body = answer
                .body
                .ok_or_else(|| Problem::new(Kind::Internal).cause("an import without an answer"))?;
            Ok(Response::json(201, body).replayed(answer.replayed))
        }
        Err(failure) => settle(places.locate(failure)),
    }
}
