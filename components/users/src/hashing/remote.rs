//! Hashes that the component `passwords` computes.

use platform::http::problem::Problem;
use platform::http::requester::Requester;
use platform::spin::service;
use serde::{Deserialize, Serialize};

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

/// Returns the hash to store, in PHC string format.
///
/// # Errors
///
/// 503 when too many passwords are being hashed.
pub(crate) async fn hash(requester: &Requester, password: &str) -> Result<String, Problem> {
    let HashResponse { hash } =
        service::send(SERVICE, "/hash", requester, &HashRequest { password }).await?;
    Ok(hash)
}

/// Returns true if the password has this hash. It takes as long when there is no hash to compare
/// with.
///
/// # Errors
///
/// 503 when too many passwords are being hashed.
pub(crate) async fn matches(
    requester: &Requester,
    password: &str,
    hash: Option<&str>,
) -> Result<bool, Problem> {
    let request = MatchRequest { password, hash };
    let MatchResponse { matches } = service::send(SERVICE, "/match", requester, &request).await?;
    Ok(matches)
}
