//! The calendar: a week or a month of it, free slots, and a new class.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::policy::Fields;
use platform::request::Request;
use platform::validation::{self, Purpose};
use platform::{query, random, statements};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::statements::View;
use crate::transaction::{JSON, row};

/// `GET /v1/calendar`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let is_of_a_tutor = query
        .as_deref()
        .is_some_and(|text| text.contains("tutor_id="));
    let view_of = if is_of_a_tutor {
        &service.statements.week
    } else {
        &service.statements.month
    };
    view(&service, &caller, view_of, query).await
}

/// `GET /v1/tutors/search`
pub(crate) async fn search(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    view(&service, &caller, &service.statements.search, query).await
}

/// Answers with a statement whose arguments are the checked query.
async fn view(
    service: &Service,
    Caller(caller): &Caller,
    view: &View,
    query: Option<String>,
) -> Result<Response, Failure> {
    let request = Request {
        method: Method::GET,
        path: String::new(),
        query,
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let mut arguments = query::parameters(&request, view.query)
        .map_err(|_| Failure::Refused(StatusCode::BAD_REQUEST))?;
    arguments.insert("input".to_owned(), json!({}));
    let (body, _) = row(service, caller, &view.sql, Value::Object(arguments))
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON], body).into_response())
}

/// `POST /v1/classes`
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    body: axum::body::Bytes,
) -> Result<Response, Failure> {
    let classes = service.statements.classes;
    let input = validation::parse_object(&body)
        .and_then(|object| {
            let fields = statements::settable(classes);
            validation::body(fields, Fields::All, Purpose::Create, &object)
        })
        .and_then(|input| classes.ruled(Purpose::Create, input))
        .map_err(|_| Failure::Refused(StatusCode::UNPROCESSABLE_ENTITY))?;
    let id = random::id();
    let arguments = json!({"id": id, "input": input, "versions": null});
    let (body, _) = row(&service, &caller, &service.statements.book, arguments)
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    let place = format!("/v1/classes/{id}");
    Ok((StatusCode::CREATED, [JSON, (LOCATION, &place)], body).into_response())
}
