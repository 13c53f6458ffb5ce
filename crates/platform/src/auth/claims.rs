//! The claims of an access token. Signing and verifying tokens is in `token`.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The claims of a token. The two times are read by `token`, because `jwt-compact` takes them out
/// of the claims to check them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The region for which the token is valid.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The tenant.
    pub tid: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The user's role when the token was signed.
    pub role: String,
    /// The tenant's language when the token was signed, if it had set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The time at which the token was signed, in seconds since 1970.
    #[serde(skip_deserializing)]
    pub iat: i64,
    /// The time at which the token expires, in seconds since 1970.
    #[serde(skip_deserializing)]
    pub exp: i64,
}
