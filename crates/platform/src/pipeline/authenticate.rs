//! Authenticates a request by its bearer token, without a query to the database. The permissions of
//! the caller are decided in `pipeline::resolve`.

use crate::auth::caller::Caller;
use crate::auth::role::Role;
use crate::auth::token::Refused;
use crate::http::problem::{Kind, Problem, misdirected};
use crate::http::request::Request;
use crate::settings::Settings;

/// The maximum length of a token, in bytes; ours have about 500.
const MAX_TOKEN_BYTES: usize = 4096;

/// Returns the caller of the request, by its `Authorization` header.
///
/// # Errors
///
/// 401 when there is no valid token, 421 with the right base URL when the token is for another
/// region.
pub fn authenticate(
    request: &Request,
    settings: &Settings,
    roles: &[Role],
) -> Result<Caller, Problem> {
    let header = request.header("authorization").ok_or_else(|| {
        Problem::new(Kind::Unauthenticated)
            .detail("Send the access token as `Authorization: Bearer <token>`.")
    })?;
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| token.len() <= MAX_TOKEN_BYTES)
        .ok_or_else(refused)?;
    match settings.keys.verify(token, &settings.region) {
        Ok(claims) => Caller::of(&claims, roles).ok_or_else(refused),
        Err(Refused::Expired) => Err(Problem::new(Kind::Unauthenticated)
            .detail("The access token has expired. Get a new one with the refresh token.")),
        Err(Refused::Invalid) => Err(refused()),
        Err(Refused::OtherRegion(region)) => match settings.base_urls.get(&region) {
            Some(url) => Err(misdirected(url)),
            None => Err(refused()),
        },
    }
}

fn refused() -> Problem {
    Problem::new(Kind::Unauthenticated).detail("The access token is not valid. Sign in again.")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use uuid::Uuid;

    use super::*;
    use crate::fixture::{COMPONENT, claims, request, role, settings, settings_with};

    fn with(authorization: &str) -> Result<Caller, Kind> {
        let given = request(Method::GET, "/").with("authorization", authorization);
        authenticate(&given, &settings(), COMPONENT.application.roles)
            .map_err(|problem| problem.kind)
    }

    #[test]
    fn a_valid_token_is_a_caller() {
        let settings = settings();
        let expected = Caller {
            tenant: Uuid::from_u128(2),
            user: Uuid::from_u128(1),
            role: role::VISITOR,
            session: Uuid::from_u128(3),
            language: None,
        };
        let token = settings.keys.sign(&claims(role::VISITOR)).unwrap();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(with(&format!("{scheme} {token}")), Ok(expected.clone()));
        }
        assert_eq!(with(&format!("Bearer  {token} ")), Ok(expected));
    }

    #[test]
    fn anything_else_is_nobody() {
        let long = format!("Bearer {}", "a".repeat(5_000));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "Bearer a.b.c",
            "Token x",
            "é",
            &long,
        ] {
            assert_eq!(with(header), Err(Kind::Unauthenticated), "{header}");
        }
        let none = authenticate(
            &request(Method::GET, "/"),
            &settings(),
            COMPONENT.application.roles,
        )
        .unwrap_err();
        assert_eq!(none.kind, Kind::Unauthenticated);
    }

    #[test]
    fn a_role_that_there_is_not_is_nobody() {
        let settings = settings();
        let mut claims = claims(role::ADMIN);
        claims.role = "root".to_owned();
        let token = settings.keys.sign(&claims).unwrap();
        assert_eq!(with(&format!("Bearer {token}")), Err(Kind::Unauthenticated));
    }

    #[test]
    fn an_expired_token_says_so() {
        let settings = settings();
        let mut old = claims(role::VISITOR);
        old.exp = old.iat - 1;
        let token = settings.keys.sign(&old).unwrap();
        let given = request(Method::GET, "/").with("authorization", &format!("Bearer {token}"));
        let problem = authenticate(&given, &settings, COMPONENT.application.roles).unwrap_err();
        assert_eq!(problem.kind, Kind::Unauthenticated);
        assert!(problem.detail.unwrap().contains("expired"));
    }

    #[test]
    fn a_token_of_another_region_is_sent_there_if_there_is_one() {
        let other_keys = (
            "signing_keys",
            "two:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI",
        );
        for (region, expected) in [("au", Kind::WrongRegion), ("mars", Kind::Unauthenticated)] {
            let mut other = claims(role::VISITOR);
            other.aud = region.to_owned();
            let token = settings_with(&[other_keys]).keys.sign(&other).unwrap();
            let given = request(Method::GET, "/").with("authorization", &format!("Bearer {token}"));
            let problem =
                authenticate(&given, &settings(), COMPONENT.application.roles).unwrap_err();
            assert_eq!(problem.kind, expected);
            let location = problem.headers.iter().find(|(name, _)| *name == "location");
            let known = (region == "au").then_some("https://au.example.org");
            assert_eq!(location.map(|(_, url)| url.as_str()), known);
        }
    }
}
