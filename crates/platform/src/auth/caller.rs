//! The caller of a request, as the access token names it.
//!
//! The token is checked in `auth::token`, and taken from the request in `pipeline::authenticate`.

use uuid::Uuid;

use crate::auth::role::Role;
use crate::auth::token::Claims;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant.
    pub tenant: Uuid,
    /// The user.
    pub user: Uuid,
    /// The user's role.
    pub role: Role,
    /// The session under which the token was signed.
    pub session: Uuid,
    /// The tenant's language, by which names are sorted; none where it has set none.
    pub language: Option<String>,
}

impl From<&Claims> for Caller {
    fn from(claims: &Claims) -> Self {
        Self {
            tenant: claims.tid,
            user: claims.sub,
            role: claims.role,
            session: claims.sid,
            language: claims.lang.clone(),
        }
    }
}
