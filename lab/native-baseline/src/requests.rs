//! The handler for the list of help-desk requests.
//! Its SQL is in `statements`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::handlers::run_list;
use crate::service::Service;

/// `GET /v1/requests`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    run_list(&service, &caller, &service.statements.list_requests, query).await
}
