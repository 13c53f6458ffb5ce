//! Answers that are the same for every noun: a statement over the checked query, and a new row from a declaration.

use std::sync::Arc;

use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::policy::Fields;
use platform::request::Request;
use platform::resource::Resource;
use platform::validation::{self, Purpose};
use platform::{query, random, statements};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::statements::View;
use crate::transaction::{JSON, row};

/// Answers with a statement whose arguments are the checked query.
pub(crate) async fn answer(
    service: &Arc<Service>,
    Caller(caller): &Caller,
    view: &View,
    query: Option<String>,
) -> Result<Response, Failure> {
    let mut arguments = query::parameters(&request(query), view.query)
        .map_err(|_| Failure::Refused(StatusCode::BAD_REQUEST))?;
    arguments.insert("input".to_owned(), json!({}));
    let (body, _) = row(service, caller, &view.sql, Value::Object(arguments))
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON], body).into_response())
}

/// A request to read, for what reads its query.
pub(crate) fn request(query: Option<String>) -> Request {
    Request {
        method: Method::GET,
        path: String::new(),
        query,
        headers: HeaderMap::new(),
        body: Vec::new(),
    }
}

/// The arguments that make a new row of the resource from a body, and its id.
pub(crate) fn new_row(resource: &Resource, body: &[u8]) -> Result<(Uuid, Value), Failure> {
    let input = validation::parse_object(body)
        .and_then(|object| {
            let fields = statements::settable(resource);
            validation::body(fields, Fields::All, Purpose::Create, &object)
        })
        .and_then(|input| resource.ruled(Purpose::Create, input))
        .map_err(|_| Failure::Refused(StatusCode::UNPROCESSABLE_ENTITY))?;
    let id = random::id();
    Ok((id, json!({"id": id, "input": input, "versions": null})))
}

/// 201 with what was made, and where it is.
pub(crate) fn made(noun: &str, id: Uuid, body: String) -> Response {
    let place = format!("/v1/{noun}/{id}");
    (StatusCode::CREATED, [JSON, (LOCATION, &place)], body).into_response()
}
