//! Hashes passwords and checks them against hashes, with Argon2id at 19 MiB, 2 passes and 1 lane:
//! the first choice of OWASP's Password Storage Cheat Sheet. The component `passwords` does this at
//! the request of other components, and `lms` for the accounts that it creates.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use platform::http::problem::{Kind, Problem};

/// A hash of no password, with the parameters of all others. It is checked when there is no such
/// user, so that the response takes the same time.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$rg41AwqHwH8NZlU7fuJNayRhRfS1O/GN49xXCiiVsx8";

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| failed(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: &impl std::fmt::Display) -> Problem {
    Problem::new(Kind::Internal).cause(error.to_string())
}

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// When there is no randomness or no memory, which is an internal error.
pub fn hash(password: &str) -> Result<String, Problem> {
    let salt = SaltString::encode_b64(&platform::values::random::bytes::<16>()?)
        .map_err(|error| failed(&error))?;
    argon2()?
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| failed(&error))
}

/// Returns true if the password has this hash. It takes as long when there is no hash to compare
/// with.
///
/// # Errors
///
/// When the text is no hash, or its parameters cannot be used, which is an internal error.
pub fn matches(password: &str, hash: Option<&str>) -> Result<bool, Problem> {
    let parsed = PasswordHash::new(hash.unwrap_or(DUMMY_HASH)).map_err(|error| failed(&error))?;
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
        let hash = hash("a long enough one").expect("it can be hashed");
        assert!(matches("a long enough one", Some(&hash)).expect("it can be checked"));
        assert!(!matches("a long enough two", Some(&hash)).expect("it can be checked"));
    }

    #[test]
    fn the_dummy_hash_is_valid_and_matches_no_password() {
        assert!(PasswordHash::new(DUMMY_HASH).is_ok());
        assert!(!matches("whatever it may be", None).expect("it can be checked"));
    }
}
