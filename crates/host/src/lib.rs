//! The embedded host: runs the application of a `spin.toml` on Wasmtime.
//!
//! It offers components the interfaces of Spin and nothing else, so that a component cannot tell
//! the two apart. It knows nothing of the application that it runs: no table, no route and no noun
//! of the product may appear in this crate.
//!
//! | module | holds |
//! |---|---|
//! | `application` | the public interface: loading an application and serving it |
//! | `manifest` | `spin.toml`: its format, its variables, the hosts that it allows |
//! | `server` | HTTP/1: connections, routing, request and response bodies, problem documents |
//! | `admission` | which requests may run: concurrency limits, memory budgets, the fair queue |
//! | `wasm` | components: compilation, instances, and the interfaces that they import |
//! | `postgres` | `spin:postgres`: connection pools, statements, types |
//! | `request_trace` | the span of a request, and those below it |
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! let runtime = host::Runtime::new(".lms/cache".as_ref())?;
//! let application = runtime.load("spin.toml".as_ref(), host::variables_from_environment())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! application.serve(listener, async { let _ = tokio::signal::ctrl_c().await; }).await
//! # }
//! ```

mod admission;
mod application;
mod manifest;
mod postgres;
mod request_trace;
mod server;
mod wasm;

pub use application::{Application, Runtime};
pub use manifest::variables::variables_from_environment;
