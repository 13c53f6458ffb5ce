//! From the bearer token to the caller; no database is asked.

use uuid::Uuid;

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::role::Role;
use crate::settings::Settings;
use crate::token::Refused;

/// Longest token that is looked at, in bytes; ours have about 500.
const LONGEST_TOKEN: usize = 4096;

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
}

/// The caller of the request, by its `Authorization` header.
///
/// # Errors
///
/// 401 when there is no valid token, 421 with the right base URL when it is another region's.
pub fn identify(request: &Request, settings: &Settings) -> Result<Caller, Problem> {
    let header = request.header("authorization").ok_or_else(|| {
        Problem::new(Kind::Unauthenticated)
            .detail("Send the access token as \"Authorization: Bearer ...\".")
    })?;
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| token.len() <= LONGEST_TOKEN)
        .ok_or_else(refused)?;
    match settings.keys.verify(token, &settings.region) {
        Ok(claims) => Ok(Caller {
            tenant: claims.tid,
            user: claims.sub,
            role: claims.role,
            session: claims.sid,
        }),
        Err(Refused::Expired) => Err(Problem::new(Kind::Unauthenticated)
            .detail("The access token has expired; use the refresh token.")),
        Err(Refused::Invalid) => Err(refused()),
        Err(Refused::OtherRegion(region)) => match settings.base_urls.get(&region) {
            Some(url) => Err(Problem::new(Kind::WrongRegion)
                .detail(format!("Use {url} instead."))
                .header("location", url)),
            None => Err(refused()),
        },
    }
}

fn refused() -> Problem {
    Problem::new(Kind::Unauthenticated).detail("The access token isn't valid; sign in again.")
}
