//! Hashes that are computed in this component.

use platform::http::problem::Problem;
use platform::http::requester::Requester;

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// When there is no randomness or no memory, which is an internal error.
pub(crate) async fn hash(_: &Requester, password: &str) -> Result<String, Problem> {
    password_hashing::hash(password)
}

/// Returns true if the password has this hash. It takes as long when there is no hash to compare
/// with.
///
/// # Errors
///
/// When the hash cannot be used, which is an internal error.
pub(crate) async fn matches(
    _: &Requester,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    password_hashing::matches(password, hash)
}
