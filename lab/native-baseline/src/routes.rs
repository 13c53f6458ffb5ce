//! The routes of the service.
//! The handlers are in the modules of their resources.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::service::Service;
use crate::{calendar, finance, requests, sign_in, users};

/// Returns the routes of the measured operations, at the same paths as those of the components.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/users", get(users::list).post(users::create))
        .route("/v1/users/{id}", get(users::get))
        .route("/v1/auth/login", post(sign_in::login))
        .route("/v1/calendar", get(calendar::list))
        .route("/v1/tutors/search", get(calendar::search))
        .route("/v1/classes", post(calendar::create))
        .route("/v1/finance-records/balance", get(finance::balance))
        .route("/v1/finance-records", post(finance::create))
        .route("/v1/requests", get(requests::list))
        .route("/healthz", get(async || "ok"))
        .with_state(service)
}
