//! The requests that other components send to this one, and their responses. The hashes are
//! computed in the crate `password-hashing`.

use platform::http::problem::{Kind, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

#[derive(Deserialize)]
struct HashRequest {
    password: String,
}

#[derive(Deserialize)]
struct MatchRequest {
    password: String,
    hash: Option<String>,
}

/// Returns the response to a request of another component. Both are JSON text.
///
/// # Errors
///
/// When the path is unknown, when the request is not of the agreed form, or when nothing can be
/// hashed.
pub fn respond(path: &str, request: &[u8]) -> Result<String, Problem> {
    let response = match path {
        "/hash" => {
            let HashRequest { password } = read(request)?;
            json!({"hash": password_hashing::hash(&password)?})
        }
        "/match" => {
            let MatchRequest { password, hash } = read(request)?;
            json!({"matches": password_hashing::matches(&password, hash.as_deref())?})
        }
        _ => return Err(Problem::new(Kind::NotFound)),
    };
    Ok(response.to_string())
}

fn read<Q: DeserializeOwned>(request: &[u8]) -> Result<Q, Problem> {
    serde_json::from_slice(request).map_err(|error| Problem::unreadable(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn send(path: &str, request: &Value) -> Result<Value, Problem> {
        let response = respond(path, request.to_string().as_bytes())?;
        Ok(serde_json::from_str(&response).expect("a response is JSON"))
    }

    #[test]
    fn a_hash_that_was_made_matches_later() {
        let made = send("/hash", &json!({"password": "a long enough one"})).expect("a hash");
        let request = json!({"password": "a long enough one", "hash": made["hash"]});
        assert_eq!(send("/match", &request), Ok(json!({"matches": true})));
        let request = json!({"password": "a long enough one", "hash": null});
        assert_eq!(send("/match", &request), Ok(json!({"matches": false})));
    }

    #[test]
    fn a_malformed_request_is_refused_without_its_text() {
        let refused = send("/match", &json!({"password": ["secret"]})).expect_err("no question");
        assert!(!format!("{refused:?}").contains("secret"));
        assert_eq!(send("/", &json!({})), Err(Problem::new(Kind::NotFound)));
    }
}
