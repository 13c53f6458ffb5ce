//! The handler for signing in: a query, the verification of the password, and a second query.
//! Tokens are verified in `caller`.

use std::net::SocketAddr;
use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordVerifier};
use argon2::{Argon2, password_hash};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use platform::auth::claims::Claims;
use platform::auth::token::LIFETIME_SECONDS;
use platform::values::random;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::failure::Failure;
use crate::service::Service;

const BEGIN: &str = "\
select attempt_id, tenant_id, user_id, password_hash, role
from lms.begin_sign_in($1, $2, $3, null)
where status = 'active'";

const END: &str = "\
select lms.complete_sign_in($1, $2, $3, $4, decode($5, 'hex'), null, $6)";

/// The credentials of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    tenant: String,
    email: String,
    password: String,
}

/// The response to a sign-in.
#[derive(Serialize)]
pub(crate) struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: String,
    user: Value,
}

/// `POST /v1/auth/login`
pub(crate) async fn login(
    State(service): State<Arc<Service>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Json(credentials): Json<Credentials>,
) -> Result<Json<Tokens>, Failure> {
    let refused = || Failure::Refused(StatusCode::UNAUTHORIZED);
    let address = client.ip().to_string();

    let connection = service.pool.get().await?;
    let statement = connection.prepare_cached(BEGIN).await?;
    let found = connection
        .query_opt(
            &statement,
            &[&credentials.tenant, &credentials.email, &address],
        )
        .await?
        .ok_or_else(refused)?;
    // The connection is returned to the pool while the password is verified.
    drop(connection);

    let (attempt, tenant, user): (Uuid, Uuid, Uuid) =
        (found.try_get(0)?, found.try_get(1)?, found.try_get(2)?);
    let hash: String = found.try_get(3)?;
    let role: String = found.try_get(4)?;
    let password = credentials.password;
    tokio::task::spawn_blocking(move || verify(&password, &hash))
        .await?
        .map_err(|_| refused())?;

    let (session, refresh_token) = (random::id(), secret()?);
    let connection = service.pool.get().await?;
    let statement = connection.prepare_cached(END).await?;
    let digest = random::digest(&refresh_token);
    let mut identity: Value = connection
        .query_one(
            &statement,
            &[&attempt, &tenant, &user, &session, &digest, &address],
        )
        .await?
        .try_get(0)?;

    let now = now();
    let claims = Claims {
        aud: service.region.clone(),
        sub: user,
        tid: tenant,
        sid: session,
        role,
        lang: None,
        iat: now,
        exp: now + LIFETIME_SECONDS,
    };
    Ok(Json(Tokens {
        access_token: service.keys.sign(&claims).map_err(anyhow::Error::msg)?,
        token_type: "Bearer",
        expires_in: LIFETIME_SECONDS,
        refresh_token,
        user: identity["user"].take(),
    }))
}

fn verify(password: &str, hash: &str) -> password_hash::Result<()> {
    Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(hash)?)
}

fn secret() -> anyhow::Result<String> {
    random::token().map_err(|error| anyhow::anyhow!("no random numbers are available: {error}"))
}

/// Returns the seconds since 1970.
fn now() -> i64 {
    let elapsed = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
