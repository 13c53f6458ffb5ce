//! Questions from one component to another of the same application, by Spin's service chaining: JSON to a path, JSON back.
//! The component that is asked must be in the other's `allowed_outbound_hosts`, as `http://<component>.spin.internal`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::random::digest;

/// On whose behalf a question is asked. Where many are asked, groups take turns, and so do the members of each.
pub struct Asker {
    /// A group, such as a network.
    pub group: String,
    /// One of it.
    pub member: String,
}

impl Asker {
    /// The value of the header `fair-queue-key`: both by their hashes, which are short and of one form.
    fn header(&self) -> String {
        format!("{} {}", digest(&self.group), digest(&self.member))
    }
}

/// Returns the answer of `component` to a question.
///
/// # Errors
///
/// 503 when it has too much to do, 500 when it can't answer.
pub async fn ask<Q: Serialize, A: DeserializeOwned>(
    component: &str,
    path: &str,
    asker: &Asker,
    question: &Q,
) -> Result<A, Problem> {
    let question = serde_json::to_vec(question).map_err(|error| Problem::unreadable(&error))?;
    let answer = send(component, path, asker.header(), question).await?;
    serde_json::from_slice(&answer).map_err(|error| Problem::unreadable(&error))
}

#[cfg(target_family = "wasm")]
use crate::spin::ask as send;

/// Natively there is no host that knows the other components.
#[cfg(not(target_family = "wasm"))]
async fn send(component: &str, path: &str, _: String, _: Vec<u8>) -> Result<Vec<u8>, Problem> {
    use crate::problem::Kind;

    Err(Problem::new(Kind::Internal)
        .cause(format!("{component}{path} can be asked inside a host only")))
}
