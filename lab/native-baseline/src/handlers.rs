//! The parts that handlers of all resources share: running a view, running a list, and validating a new row.
//! The handlers themselves are in the modules of their resources.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use platform::auth::policy::Fields;
use platform::declare::query;
use platform::declare::resource::Resource;
use platform::declare::statements::single_row;
use platform::declare::validation::{self, WriteMode};
use platform::values::random;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::statements::{List, View, request};
use crate::transaction::{JSON, query_row};

/// Runs a view with the validated query parameters.
pub(crate) async fn run_view(
    service: &Arc<Service>,
    Caller(caller): &Caller,
    view: &View,
    query: Option<String>,
) -> Result<Response, Failure> {
    let mut arguments = query::parameters(&request(query), view.query)
        .map_err(|_| Failure::Refused(StatusCode::BAD_REQUEST))?;
    arguments.insert("input".to_owned(), json!({}));
    let (body, _) = query_row(service, caller, &view.sql, Value::Object(arguments))
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON], body).into_response())
}

/// Runs the list of a resource.
pub(crate) async fn run_list(
    service: &Arc<Service>,
    Caller(caller): &Caller,
    list: &List,
    query: Option<String>,
) -> Result<Response, Failure> {
    let (statement, arguments) = list
        .read(query)
        .ok_or(Failure::Refused(StatusCode::BAD_REQUEST))?;
    let (body, _) = query_row(service, caller, &statement.text, arguments)
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON], body).into_response())
}

/// Validates the body of a new row and returns its id and the arguments of its statement.
pub(crate) fn new_row(resource: &Resource, body: &[u8]) -> Result<(Uuid, Value), Failure> {
    let input = validation::parse_object(body)
        .and_then(|object| {
            let fields = single_row::settable(resource);
            validation::body(fields, Fields::All, WriteMode::Create, &object)
        })
        .and_then(|input| resource.validated(WriteMode::Create, input))
        .map_err(|_| Failure::Refused(StatusCode::UNPROCESSABLE_ENTITY))?;
    let id = random::id();
    Ok((id, json!({"id": id, "input": input, "versions": null})))
}

/// Returns a 201 response with the created row and its location.
pub(crate) fn created(noun: &str, id: Uuid, body: String) -> Response {
    let location = format!("/v1/{noun}/{id}");
    (StatusCode::CREATED, [JSON, (LOCATION, &location)], body).into_response()
}
