//! Hashes that are computed in this component.

use platform::http::client_key::ClientKey;
use platform::http::problem::Problem;

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// When there is no randomness or no memory, which is an internal error.
pub(crate) async fn hash(_: &ClientKey, password: &str) -> Result<String, Problem> {
    password_hashing::hash(password)
}

/// Returns true if the password has this hash. It takes as long when there is no hash to compare
/// with.
///
/// # Errors
///
/// When the hash cannot be used, which is an internal error.
pub(crate) async fn matches(
    _: &ClientKey,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    password_hashing::matches(password, hash)
}
