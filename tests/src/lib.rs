//! What every test stands on: a whole application of its own, over HTTP, on a database of its own.
//!
//! One PostgreSQL cluster with one demo database is prepared for a run; each test gets a copy of that
//! database and its own application on its own port, so that tests run side by side.

// What goes wrong here fails the test that asked for it; there is nobody else to tell.
#![allow(clippy::expect_used, clippy::panic)]

mod application;
mod path;
mod proxy;
mod reply;

/// Every component with endpoints, as the program has them.
pub use cli::openapi::COMPONENTS;

pub use application::{Application, Session, run, run_with};
pub use path::path;
pub use platform::role::Role;
pub use proxy::Proxy;
pub use reply::{Reply, send};
