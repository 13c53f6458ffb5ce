//! The embedded host: runs a `spin.toml` on Wasmtime.
//!
//! It offers components the interfaces of Spin and nothing else, so that a component cannot tell
//! the two apart. It knows nothing of the application it runs: no table, no route and no noun of
//! the product may appear in this crate.
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! let runtime = host::Runtime::new(".lms/cache".as_ref())?;
//! let application = runtime.load("spin.toml".as_ref(), host::variables_from_environment())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! application.serve(listener, async { let _ = tokio::signal::ctrl_c().await; }).await
//! # }
//! ```

mod addresses;
mod allowed_hosts;
mod application;
mod compiled;
mod component;
mod drain;
mod engine;
mod exchange;
mod head;
mod headers;
mod intake;
mod logging;
mod manifest;
mod memory;
mod outbound_http;
mod pace;
mod postgres;
mod problem;
mod response;
mod rooms;
mod router;
mod sending;
mod server;
mod services;
mod shard;
mod template;
mod turns;
mod variables;
mod worker;

pub use application::{Application, Runtime};
pub use variables::variables_from_environment;
