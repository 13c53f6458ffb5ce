//! Handlers that get, list and create users.
//! Their SQL is in `statements`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use platform::values::random;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::handlers::{created, run_list};
use crate::service::Service;
use crate::transaction::{JSON, query_row};

/// The body of a new user.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    name: String,
    email: String,
    role: String,
}

/// `GET /v1/users/{id}`
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    let (body, version) = query_row(
        &service,
        &caller,
        &service.statements.get_user,
        json!({"id": id}),
    )
    .await?
    .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(([JSON, (ETAG, &format!("\"{version}\""))], body).into_response())
}

/// `GET /v1/users`
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    run_list(&service, &caller, &service.statements.list_users, query).await
}

/// `POST /v1/users`
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    Json(user): Json<NewUser>,
) -> Result<Response, Failure> {
    let id = random::id();
    let arguments = json!({
        "id": id,
        "profile_id": random::id(),
        "password_hash": null,
        "input": user,
    });
    let (body, _) = query_row(
        &service,
        &caller,
        &service.statements.create_user,
        arguments,
    )
    .await?
    .ok_or(Failure::Refused(StatusCode::NOT_FOUND))?;
    Ok(created("users", id, body))
}
