//! What every test stands on: a whole application of its own, over HTTP, on a database of its own.
//!
//! One PostgreSQL cluster with one demo database is prepared for a run; each test gets a copy of that
//! database and its own application on its own port, so that tests run side by side.

// What goes wrong here fails the test that asked for it; there is nobody else to tell.
#![allow(clippy::expect_used, clippy::panic)]

pub mod analytics;
mod application;
pub mod book;
pub mod browser;
pub mod calendar_feed;
pub mod classroom;
mod cluster;
mod contract;
pub mod csv;
pub mod desk;
pub mod hooks;
pub mod interruptions;
pub mod outbox;
mod path;
pub mod people;
mod program;
mod provider;
mod proxy;
mod python;
mod reply;
pub mod rows;
pub mod samples;
pub mod schema;
mod session;
pub mod subjects;
mod upgrade;
pub mod wire;
pub mod work_values;
pub mod workload;

/// Every component with endpoints, as the program has them.
pub use local::openapi::COMPONENTS;

pub use application::{Application, run, run_on_own_server, run_with};
pub use cluster::Server;
pub use domain::role;
pub use path::path;
pub use platform::auth::role::Role;
pub use program::program;
pub use provider::{Mood, Post, Provider};
pub use proxy::{Proxy, run_behind_proxy};
pub use python::run_python;
pub use reply::{Reply, send};
pub use session::Session;
pub use upgrade::{Releases, previous_release, run_upgraded};
