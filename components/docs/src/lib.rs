//! The docs component: the OpenAPI document at `/v1/openapi.json`, the reference page
//! at `/docs`, and the answer to every path that no other component serves.
//!
//! Everything it sends was packed by `build.rs`. It needs no database, no variable and
//! no secret, and makes no request of its own.

mod assets;
mod encoding;
mod service;

pub use service::respond;

/// The entry point for the host.
#[cfg(target_family = "wasm")]
#[spin_sdk::http_service]
async fn handle(
    request: spin_sdk::http::Request,
) -> Result<spin_sdk::http::Response<spin_sdk::http::FullBody<bytes::Bytes>>, http::Error> {
    // No path here takes a body: it is left where it is.
    let (parts, _) = request.into_parts();
    let response = respond(&platform::request::Request {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        method: parts.method,
        headers: parts.headers,
        body: Vec::new(),
    });
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder.body(spin_sdk::http::FullBody::new(response.body.into()))
}
