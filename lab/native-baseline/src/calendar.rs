//! The calendar: a week or a month of it, free slots, and a new class.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::transaction::row;
use crate::view::{answer, made, new_row};

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
    answer(&service, &caller, view_of, query).await
}

/// `GET /v1/tutors/search`
pub(crate) async fn search(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    answer(&service, &caller, &service.statements.search, query).await
}

/// `POST /v1/classes`
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    body: axum::body::Bytes,
) -> Result<Response, Failure> {
    let (id, arguments) = new_row(service.statements.classes, &body)?;
    let (body, _) = row(&service, &caller, &service.statements.book, arguments)
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(made("classes", id, body))
}
