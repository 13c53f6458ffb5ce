//! Requests to another component of the same application, by Spin's service chaining: JSON to a
//! path, and JSON back. The component that receives them serves them with `spin::http`.
//!
//! The other component must be in `allowed_outbound_hosts`, as `http://<component>.spin.internal`.

#[cfg(target_family = "wasm")]
use bytes::Bytes;
#[cfg(target_family = "wasm")]
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(target_family = "wasm")]
use spin_sdk::http::FullBody;

use crate::http::problem::{Kind, Problem};
use crate::http::requester::{Headers, Requester};

/// Sends a request to `component` and returns its response.
///
/// # Errors
///
/// 503 when the component is overloaded, 500 when it cannot respond.
pub async fn send<Q: Serialize, A: DeserializeOwned>(
    component: &str,
    path: &str,
    requester: &Requester,
    request_body: &Q,
) -> Result<A, Problem> {
    let request_body =
        serde_json::to_vec(request_body).map_err(|error| Problem::unreadable(&error))?;
    let response_body = post(component, path, requester.headers(), request_body).await?;
    serde_json::from_slice(&response_body).map_err(|error| Problem::unreadable(&error))
}

#[cfg(target_family = "wasm")]
async fn post(
    component: &str,
    path: &str,
    headers: Headers,
    request_body: Vec<u8>,
) -> Result<Vec<u8>, Problem> {
    let url = format!("http://{component}.spin.internal{path}");
    let failed = |cause: String| {
        Problem::new(Kind::Internal).cause(format!("{component} did not respond: {cause}"))
    };
    let mut request = http::Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(FullBody::new(Bytes::from(request_body)))
        .map_err(|error| failed(error.to_string()))?;
    let response = spin_sdk::http::send(request)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let (parts, body) = response.into_parts();
    if parts.status == http::StatusCode::SERVICE_UNAVAILABLE {
        return Err(Problem::new(Kind::Unavailable)
            .detail("Too many requests are in progress. Try again later.")
            .header("retry-after", "5"));
    }
    if parts.status != http::StatusCode::OK {
        return Err(failed(parts.status.to_string()));
    }
    let body = body.collect().await;
    Ok(body
        .map_err(|error| failed(error.to_string()))?
        .to_bytes()
        .to_vec())
}

/// A native build has no host that knows the other components.
#[cfg(not(target_family = "wasm"))]
async fn post(component: &str, path: &str, _: Headers, _: Vec<u8>) -> Result<Vec<u8>, Problem> {
    Err(Problem::new(Kind::Internal).cause(format!(
        "{component}{path} can be reached inside a host only"
    )))
}
