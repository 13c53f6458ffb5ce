//! The declarations of a component, and everything derived from them: validation, SQL and the
//! OpenAPI document. Requests are served by `pipeline`, which only reads these declarations.

pub mod action;
pub mod action_context;
pub mod component;
pub mod endpoint;
pub mod field;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
pub mod page;
pub mod query;
pub mod resource;
pub mod response_spec;
pub mod statements;
pub mod validation;
pub mod week;
