//! Refuses common passwords, and calls the component `passwords` for hashes. The requests that set
//! a password are in [`crate::auth`] and [`crate::accounts`].

use domain::password::{MAX_CHARACTERS, MIN_CHARACTERS};
use platform::declare::field::Kind;
use platform::http::client_key::ClientKey;
use platform::http::problem::Problem;
use platform::spin::service;
use platform::values::field_error::FieldError;
use serde::{Deserialize, Serialize};

/// The kind of every password field. The length is counted in characters of the normal form, which
/// the field has already produced, both when a password is set and when it is checked.
pub(crate) const KIND: Kind = Kind::Password {
    min: MIN_CHARACTERS,
    max: MAX_CHARACTERS,
};

/// Common passwords of at least 12 characters, in lower case. A variation in case is refused as
/// well.
const COMMON: &str = include_str!("common_passwords.txt");

/// The name of the component that computes hashes.
const SERVICE: &str = "passwords";

#[derive(Serialize)]
struct HashRequest<'a> {
    password: &'a str,
}

#[derive(Deserialize)]
struct HashResponse {
    hash: String,
}

#[derive(Serialize)]
struct MatchRequest<'a> {
    password: &'a str,
    hash: Option<&'a str>,
}

#[derive(Deserialize)]
struct MatchResponse {
    matches: bool,
}

/// Refuses a common password. The check is cheap, so it comes before the expensive ones.
///
/// # Errors
///
/// 422.
pub(crate) fn refuse_common(pointer: &str, password: &str) -> Result<(), Problem> {
    let lower = password.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return Err(Problem::invalid(vec![FieldError::new(
            pointer,
            "common_password",
            "The password is too common: attackers try it first. Choose another one.",
        )]));
    }
    Ok(())
}

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// 422 for a common password, 503 when too many passwords are being hashed. The length is checked
/// with the body's other fields.
pub(crate) async fn hash(
    client_key: &ClientKey,
    pointer: &str,
    password: &str,
) -> Result<String, Problem> {
    refuse_common(pointer, password)?;
    let HashResponse { hash } =
        service::send(SERVICE, "/hash", client_key, &HashRequest { password }).await?;
    Ok(hash)
}

/// Returns true if the password has this hash. It takes as long when there is no hash to compare
/// with.
///
/// # Errors
///
/// 503 when too many passwords are being hashed.
pub(crate) async fn matches(
    client_key: &ClientKey,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    let MatchResponse { matches } = service::send(
        SERVICE,
        "/match",
        client_key,
        &MatchRequest { password, hash },
    )
    .await?;
    Ok(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in ["password1234", "PassWord1234"] {
            let problem = refuse_common("/password", password).expect_err("it is common");
            assert_eq!(problem.errors[0].code, "common_password");
        }
        assert_eq!(refuse_common("/password", "a long enough one"), Ok(()));
    }
}
