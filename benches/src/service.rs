//! The routes and what all of them share.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use deadpool_postgres::Pool;
use platform::token::Keys;

use crate::statements::Statements;
use crate::{calendar, sign_in, users};

/// What every handler needs.
pub(crate) struct Service {
    /// Connections as the application's role.
    pub(crate) pool: Pool,
    /// Keys that sign and verify access tokens.
    pub(crate) keys: Keys,
    /// The region that tokens must be for.
    pub(crate) region: String,
    /// The SQL of the handlers.
    pub(crate) statements: Statements,
}

/// The calls that are measured, at the components' own paths.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/users", get(users::list).post(users::create))
        .route("/v1/users/{id}", get(users::get))
        .route("/v1/auth/login", post(sign_in::login))
        .route("/v1/calendar", get(calendar::list))
        .route("/v1/tutors/search", get(calendar::search))
        .route("/v1/classes", post(calendar::create))
        .route("/healthz", get(async || "ok"))
        .with_state(service)
}
