//! Refuses common passwords, and has the others hashed. The requests that set a password are in
//! [`crate::auth`] and [`crate::accounts`], and hashes are computed through [`crate::hashing`].

use domain::password::{MAX_CHARACTERS, MIN_CHARACTERS};
use platform::declare::field::Kind;
use platform::http::client_key::ClientKey;
use platform::http::problem::Problem;
use platform::values::field_error::FieldError;

use crate::hashing;

/// The kind of every password field. The length is counted in characters of the normal form, which
/// the field has already produced, both when a password is set and when it is checked.
pub(crate) const KIND: Kind = Kind::Password {
    min: MIN_CHARACTERS,
    max: MAX_CHARACTERS,
};

/// Common passwords of at least 12 characters, in lower case. A variation in case is refused as
/// well.
const COMMON: &str = include_str!("common_passwords.txt");

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
    hashing::hash(client_key, password).await
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
