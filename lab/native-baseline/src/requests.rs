//! Requests: the list.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::view::page;

/// `GET /v1/requests`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    page(&service, &caller, &service.statements.requests, query).await
}
