//! Performs the plain verbs: list, get, create, update, delete, restore, import, export. Their SQL
//! is in `declare::statements`, and actions are in `pipeline::actions`.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::auth::policy::{Grant, Verb};
use crate::declare::component::Component;
use crate::declare::query;
use crate::declare::resource::{AS_OF, Resource};
use crate::declare::statements::listing::Listing;
use crate::declare::statements::{export, import, single_row};
use crate::declare::validation::WriteMode;
use crate::http::headers;
use crate::http::problem::{Kind, Problem};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::pipeline::conditions;
use crate::pipeline::import::ImportBatch;
use crate::pipeline::request_context::RequestContext;
use crate::sql::database::QueryResult;
use crate::sql::sqlstate::into_response;
use crate::sql::statement_cache::{self, Key};
use crate::values::field_error::FieldError;
use crate::values::random;

/// Performs a plain verb.
pub(crate) async fn perform(
    context: &RequestContext<'_>,
    component: &Component,
    resource: &'static Resource,
    verb: Verb,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    match verb {
        Verb::List => list(context, component, resource, grant).await,
        Verb::Get => get(context, resource, grant).await,
        Verb::Create => create(context, resource, grant).await,
        Verb::Update => update(context, resource, grant).await,
        Verb::Delete => delete(context, resource, grant).await,
        Verb::Restore => restore(context, resource, grant).await,
        Verb::Import | Verb::Export | Verb::Action(_) => Err(Problem::new(Kind::NotFound)),
    }
}

async fn list(
    context: &RequestContext<'_>,
    component: &Component,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    let can_export = resource.verbs.contains(&Verb::Export)
        && component
            .grant(resource.name, grant.role, Verb::Export)
            .is_some();
    let media: &[&str] = if can_export {
        &["application/json", "text/csv"]
    } else {
        &["application/json"]
    };
    let is_file = headers::negotiate(context.request, media)? == "text/csv";
    let language = context
        .caller
        .as_ref()
        .and_then(|caller| caller.language.as_deref());
    let listing = Listing::parse(context.request, resource, grant)?.in_language(language);
    if is_file && listing.count {
        let detail = "A file cannot include a count. Leave `count` out.";
        let error = FieldError::parameter("count", "not_allowed", detail);
        return Err(Problem::malformed(vec![error]));
    }
    let statement = match listing.cacheable_form() {
        _ if is_file => Rc::new(export::statement(&listing, resource, grant)),
        Some(form) => statement_cache::get(
            key(resource, Verb::List, grant).with_list_form(form),
            || listing.statement(resource, grant),
        ),
        None => Rc::new(listing.statement(resource, grant)),
    };
    let arguments = if is_file {
        listing.file_arguments()
    } else {
        listing.arguments()
    };
    let result = match context.run(&statement, arguments).await {
        Ok(result) => result,
        Err(error) => return into_response(error),
    };
    let body = result
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
    Ok(match result.tag {
        Some(cursor) => response.header("link", next_link(context.request, &cursor)),
        None => response,
    })
}

/// Returns the key of a verb's statement in the cache.
fn key(resource: &'static Resource, verb: Verb, grant: &'static Grant) -> Key {
    Key::new(resource.name, verb.name(), Some(grant))
}

/// Returns `Link: <...>; rel="next"` (RFC 8288): the same query with the next cursor.
fn next_link(request: &Request, cursor: &str) -> String {
    let kept: String = request
        .pairs()
        .filter(|(_, parameter)| parameter.as_ref().is_none_or(|(name, _)| name != "cursor"))
        .flat_map(|(pair, _)| [pair, "&"])
        .collect();
    format!("<{}?{kept}cursor={cursor}>; rel=\"next\"", request.path)
}

async fn get(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    headers::negotiate(context.request, &["application/json"])?;
    let looking_back = query::parameters(context.request, &[AS_OF])?;
    let statement = if looking_back.is_empty() {
        statement_cache::get(key(resource, Verb::Get, grant), || {
            single_row::get(resource, grant)
        })
    } else if grant.role.reads_history() {
        statement_cache::get(Key::new(resource.name, "get_as_of", Some(grant)), || {
            single_row::get_as_of(resource, grant)
        })
    } else {
        return Err(Problem::new(Kind::Forbidden)
            .detail("Only an admin can read a resource as of an earlier time."));
    };
    let mut arguments = context.parameters.clone();
    arguments.extend(looking_back);
    let result = match context.run(&statement, arguments).await {
        Ok(result) => result,
        Err(error) => return into_response(error),
    };
    single(context, grant, 200, result)
}

/// Returns one resource as the response, with its entity tag; 304 if the client already has that
/// version.
fn single(
    context: &RequestContext<'_>,
    grant: &'static Grant,
    status: u16,
    result: QueryResult,
) -> Result<Response, Problem> {
    let body = result.body.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let tag = result
        .tag
        .ok_or_else(|| Problem::new(Kind::Internal).cause("a resource without a version"))?;
    let etag = conditions::etag(&tag, Some(grant));
    let response = Response::json(status, body);
    Ok(conditions::tagged(context.request, response, etag).replayed(result.replayed))
}

async fn create(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    headers::negotiate(context.request, &["application/json"])?;
    context.no_query()?;
    let input = context
        .client
        .with_zones(|| {
            let input = context.body(single_row::settable(resource), WriteMode::Create)?;
            resource.validated(WriteMode::Create, input)
        })
        .await?;
    let statement = statement_cache::get(key(resource, Verb::Create, grant), || {
        single_row::create(resource, grant)
    });
    let arguments = arguments(json!(random::id()), input, None);
    let result = match context.run(&statement, arguments).await {
        Ok(result) => result,
        Err(error) => return into_response(error),
    };
    created(context, grant, resource.name, result)
}

/// Returns 201 with the location of the new resource.
fn created(
    context: &RequestContext<'_>,
    grant: &'static Grant,
    noun: &str,
    result: QueryResult,
) -> Result<Response, Problem> {
    let response = single(context, grant, 201, result)?;
    located(response, noun)
}

/// Adds the location of the new resource.
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

fn path_id(context: &RequestContext<'_>) -> Result<Value, Problem> {
    context
        .parameters
        .get("id")
        .cloned()
        .ok_or_else(|| Problem::new(Kind::Internal).cause("a path without an id"))
}

async fn update(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    headers::negotiate(context.request, &["application/json"])?;
    context.no_query()?;
    let versions = conditions::expected_versions(context.request, resource.requires_match)?;
    let input = context
        .client
        .with_zones(|| {
            let input = context.body(resource.all_fields(), WriteMode::Update)?;
            resource.validated(WriteMode::Update, input)
        })
        .await?;
    let statement = statement_cache::get(key(resource, Verb::Update, grant), || {
        single_row::update(resource, grant)
    });
    let arguments = arguments(path_id(context)?, input, versions.as_deref());
    match context.run(&statement, arguments).await {
        Ok(result) => single(context, grant, 200, result),
        Err(error) => into_response(error),
    }
}

async fn delete(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    context.no_query()?;
    let versions = conditions::expected_versions(context.request, resource.requires_match)?;
    let statement = statement_cache::get(key(resource, Verb::Delete, grant), || {
        single_row::delete(resource, grant)
    });
    let arguments = arguments(path_id(context)?, Map::new(), versions.as_deref());
    match context.run(&statement, arguments).await {
        Ok(result) if result.body.is_some() => Ok(Response::empty(204)),
        Ok(_) => Err(Problem::new(Kind::NotFound)),
        Err(error) => into_response(error),
    }
}

async fn restore(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
) -> Result<Response, Problem> {
    headers::negotiate(context.request, &["application/json"])?;
    context.no_query()?;
    context.no_body()?;
    let statement = statement_cache::get(key(resource, Verb::Restore, grant), || {
        single_row::restore(resource, grant)
    });
    let arguments = arguments(path_id(context)?, Map::new(), None);
    match context.run(&statement, arguments).await {
        Ok(result) => single(context, grant, 200, result),
        Err(error) => into_response(error),
    }
}

/// Inserts the rows of a file.
pub(crate) async fn import(
    context: &RequestContext<'_>,
    resource: &'static Resource,
    grant: &'static Grant,
    batch: ImportBatch,
) -> Result<Response, Problem> {
    let statement = statement_cache::get(key(resource, Verb::Import, grant), || {
        import::statement(resource)
    });
    let batch = batch.settled(&context.client).await?;
    let ImportBatch {
        arguments,
        row_numbers,
        reservation,
        ..
    } = batch;
    let answered = context.client.run_text(&statement, arguments).await;
    // The memory of the rows is counted until here.
    drop(reservation);
    match answered {
        Ok(result) => {
            let body = result
                .body
                .ok_or_else(|| Problem::new(Kind::Internal).cause("an import without an answer"))?;
            Ok(Response::json(201, body).replayed(result.replayed))
        }
        Err(error) => into_response(row_numbers.locate(error)),
    }
}
