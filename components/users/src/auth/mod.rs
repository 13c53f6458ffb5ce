//! Authentication: sessions, tokens and passwords (everything under `/v1/auth`). Access tokens are
//! signed and verified in `platform::auth::token`, and accounts are in [`crate::accounts`].
//!
//! A refresh token or one-use token is stored only as its SHA-256, and an access token is not
//! stored.

pub(crate) mod attempts;
pub(crate) mod email;
pub(crate) mod me;
pub(crate) mod passwords;
pub(crate) mod sessions;
pub(crate) mod sign_in;

use platform::auth::claims::Claims;
use platform::auth::token::LIFETIME_SECONDS;
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::settings::Settings;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The response of signing in and of refreshing.
pub(crate) const TOKEN_PAIR: &[Field] = &[
    Field::new(
        "access_token",
        Kind::Secret { min: 1, max: 4096 },
        "The access token, to be sent as a bearer token.",
    )
    .required(),
    Field::new(
        "token_type",
        Kind::OneOf(&["Bearer"]),
        "The token type, always `Bearer`.",
    )
    .required(),
    Field::new(
        "expires_in",
        Kind::Integer {
            min: 1,
            max: LIFETIME_SECONDS,
        },
        "The number of seconds until the access token expires.",
    )
    .required(),
    Field::new(
        "refresh_token",
        Kind::Secret { min: 43, max: 43 },
        "The refresh token. It can be exchanged once for a new pair of tokens.",
    )
    .required(),
    Field::new("user", Kind::Json { bytes: 0 }, "The user.").required(),
    Field::new("tenant", Kind::Json { bytes: 0 }, "The tenant.").required(),
];

/// The signed-in user as the database returns it. It is kept as text because it goes into the
/// response unchanged.
#[derive(Deserialize)]
pub(crate) struct Identity {
    pub(crate) user: Box<RawValue>,
    pub(crate) tenant: Box<RawValue>,
}

#[derive(Deserialize)]
struct User {
    id: Uuid,
    role: String,
}

#[derive(Deserialize)]
struct Tenant {
    id: Uuid,
    language: Option<String>,
}

#[derive(serde::Serialize)]
struct TokenPair<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: &'a str,
    user: &'a RawValue,
    tenant: &'a RawValue,
}

/// Returns the response of signing in or refreshing: a new access token with the refresh token.
pub(crate) fn token_pair(
    settings: &Settings,
    identity: &Identity,
    session: Uuid,
    refresh_token: &str,
) -> Result<String, Problem> {
    let internal = |cause: String| Problem::new(ProblemKind::Internal).cause(cause);
    let user: User =
        serde_json::from_str(identity.user.get()).map_err(|error| Problem::unreadable(&error))?;
    let tenant: Tenant =
        serde_json::from_str(identity.tenant.get()).map_err(|error| Problem::unreadable(&error))?;
    let now = chrono::Utc::now().timestamp();
    let access_token = settings
        .keys
        .sign(&Claims {
            aud: settings.region.clone(),
            sub: user.id,
            tid: tenant.id,
            sid: session,
            role: user.role,
            lang: tenant.language,
            iat: now,
            exp: now + LIFETIME_SECONDS,
        })
        .map_err(internal)?;
    serde_json::to_string(&TokenPair {
        access_token,
        token_type: "Bearer",
        expires_in: LIFETIME_SECONDS,
        refresh_token,
        user: &identity.user,
        tenant: &identity.tenant,
    })
    .map_err(|error| internal(error.to_string()))
}
