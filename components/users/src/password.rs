//! Passwords: Argon2id with 19 MiB, 2 passes and 1 lane, and which passwords are refused.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use platform::field::Kind;
use platform::problem::{FieldError, Kind as ProblemKind, Problem};

/// The length that a password may have, in characters of its normal form: what comes here is in it already, by the kind
/// of the field, when a password is set as when it is checked.
pub(crate) const KIND: Kind = Kind::Password { min: 12, max: 128 };

/// Common passwords of 12 characters and more, lower-cased; a variation in case is refused as well.
const COMMON: &str = include_str!("common_passwords.txt");

/// A hash of no password, with the parameters of all the others: checked when there is no such user, so
/// that the answer takes the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$rg41AwqHwH8NZlU7fuJNayRhRfS1O/GN49xXCiiVsx8";

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(19 * 1024, 2, 1, None)
        .map_err(|error| Problem::new(ProblemKind::Internal).cause(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Refuses a common password, which costs nothing: to be asked before what costs something.
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
            "This password is among the first that attackers try.",
        )]));
    }
    Ok(())
}

/// The hash to store, in PHC string format.
///
/// # Errors
///
/// 422 for a common password; the length is checked with the body's other fields.
pub(crate) fn hash(pointer: &str, password: &str) -> Result<String, Problem> {
    refuse_common(pointer, password)?;
    let salt = SaltString::encode_b64(&platform::random::bytes::<16>()?)
        .map_err(|error| Problem::new(ProblemKind::Internal).cause(error.to_string()))?;
    argon2()?
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Problem::new(ProblemKind::Internal).cause(error.to_string()))
}

/// Whether the password has this hash; takes as long when there is no hash to compare with.
///
/// # Errors
///
/// When the parameters can't be set, which is a fault of ours.
pub(crate) fn matches(password: &str, hash: Option<&str>) -> Result<bool, Problem> {
    let parsed = PasswordHash::new(hash.unwrap_or(NOBODY))
        .map_err(|error| Problem::new(ProblemKind::Internal).cause(error.to_string()))?;
    let same = argon2()?
        .verify_password(password.as_bytes(), &parsed)
        .is_ok();
    Ok(same && hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_its_own_hash_and_no_other() {
        let hash = hash("/password", "a long enough one").expect("it can be hashed");
        assert!(matches("a long enough one", Some(&hash)).expect("it can be checked"));
        assert!(!matches("a long enough two", Some(&hash)).expect("it can be checked"));
    }

    #[test]
    fn nobody_is_checked_like_anybody_and_never_matches() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(!matches("whatever it may be", None).expect("it can be checked"));
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in ["password1234", "PassWord1234"] {
            let problem = hash("/password", password).expect_err("it is common");
            assert_eq!(problem.errors[0].code, "common_password");
        }
    }
}
