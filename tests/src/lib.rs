//! What every test stands on: a whole application of its own, over HTTP, on a database of its own.
//!
//! One PostgreSQL cluster with one demo database is prepared for a run; each test gets a copy of that
//! database and its own application on its own port, so that tests run side by side.

// What goes wrong here fails the test that asked for it; there is nobody else to tell.
#![allow(clippy::expect_used, clippy::panic)]

mod application;
pub mod browser;
mod cluster;
mod contract;
mod path;
mod provider;
mod proxy;
mod python;
mod reply;
mod session;
mod upgrade;

/// Every component with endpoints, as the program has them.
pub use cli::openapi::COMPONENTS;

pub use application::{Application, run, run_on_own_server, run_with};
pub use cluster::Server;
pub use domain::role;
pub use path::path;
pub use platform::auth::role::Role;
pub use provider::{Mood, Post, Provider};
pub use proxy::{Proxy, run_behind_proxy};
pub use python::run_python;
pub use reply::{Reply, send};
pub use session::Session;
pub use upgrade::{Releases, run_upgraded};
