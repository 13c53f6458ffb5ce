//! The docs component: the OpenAPI document at `/v1/openapi.json`, the reference page
//! at `/docs`, and the answer to every path that no other component serves.
//!
//! Everything it sends was packed by the build script (`build/main.rs`). It needs no
//! database and no secret, and makes no request of its own.

mod assets;
mod encoding;
mod service;

pub use service::respond;

platform::entry!(request => platform::spin::http::serve_files("docs", respond, request));
