//! Input and output through Spin's interfaces: HTTP, variables, PostgreSQL and other components.
//! Everything that can run without a host is elsewhere in this crate.

#[cfg(target_family = "wasm")]
mod deadline;
mod entry;
#[cfg(target_family = "wasm")]
pub mod http;
#[cfg(target_family = "wasm")]
mod postgres;
pub mod service;
#[cfg(target_family = "wasm")]
mod variables;

/// Spin's SDK, in the version that the component is built for.
#[cfg(target_family = "wasm")]
pub use spin_sdk as sdk;
