//! Requests: the list.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::transaction::{JSON, row};

/// `GET /v1/requests`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (statement, arguments) = service
        .statements
        .requests
        .read(query)
        .ok_or(Failure::Refused(StatusCode::BAD_REQUEST))?;
    let (body, _) = row(&service, &caller, &statement.text, arguments)
        .await?
        .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON], body).into_response())
}
