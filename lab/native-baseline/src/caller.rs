//! Authenticates the caller by the bearer token.
//! Tokens are issued in `sign_in`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use platform::auth::claims::Claims;

use crate::failure::Failure;
use crate::service::Service;

/// The claims of a verified token.
pub(crate) struct Caller(pub(crate) Arc<Claims>);

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Caller, Failure> {
        parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Bearer "))
            .and_then(|token| service.keys.verify(token, &service.region).ok())
            .map(Caller)
            .ok_or(Failure::Refused(StatusCode::UNAUTHORIZED))
    }
}
