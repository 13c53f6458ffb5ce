//! The caller of a request, as the access token names it.
//!
//! The token is checked in `auth::token`, and taken from the request in `pipeline::authenticate`.

use uuid::Uuid;

use crate::auth::claims::Claims;
use crate::auth::role::Role;

/// The authenticated caller of a request.
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
    /// The tenant's language, by which names are sorted; none if the tenant has set none.
    pub language: Option<String>,
}

impl Caller {
    /// Returns the caller that the claims name, or none if the role is unknown.
    pub fn of(claims: &Claims, roles: &[Role]) -> Option<Caller> {
        let role = roles.iter().find(|role| role.name() == claims.role)?;
        Some(Caller {
            tenant: claims.tid,
            user: claims.sub,
            role: *role,
            session: claims.sid,
            language: claims.lang.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{COMPONENT, claims, role};

    #[test]
    fn a_caller_has_one_of_the_roles_that_there_are() {
        let mut claims = claims(role::KEEPER);
        let caller = Caller::of(&claims, COMPONENT.application.roles);
        assert_eq!(caller.map(|caller| caller.role), Some(role::KEEPER));
        claims.role = "Keeper".to_owned();
        assert_eq!(Caller::of(&claims, COMPONENT.application.roles), None);
    }
}
