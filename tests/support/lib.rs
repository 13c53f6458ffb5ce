//! Support for the tests: each runs against an application of its own, over HTTP, on a database of its own.
//!
//! A run prepares one PostgreSQL cluster with one demo database. Each test gets a copy of that database and an application
//! on a port of its own, so that tests run in parallel.

// An error in here fails the test that caused it, which is all that can be done with it.
#![allow(clippy::expect_used, clippy::panic)]

pub mod analytics;
mod application;
pub mod browser;
pub mod calendar_feed;
mod calls;
mod captured_log;
pub mod class_fixture;
mod collector;
pub mod csv;
pub mod data_subject;
mod database_proxy;
mod documented_answer;
mod endpoint_path;
pub mod fault_injection;
pub mod finance_records;
pub mod fixtures;
pub mod help_desk;
mod logs_of_test;
pub mod notifications;
mod openapi_contract;
mod postgresql_server;
mod previous_release;
pub mod private_cluster;
mod process;
mod program;
mod python;
pub mod queries;
pub mod random_requests;
pub mod random_samples;
pub mod random_values;
pub mod raw_connection;
mod reply;
pub mod schema;
mod sent_values;
pub mod server_certificate;
mod session;
mod stub_provider;
pub mod webhook_fixture;

/// Every component with endpoints, as the program has them.
pub use local::openapi::COMPONENTS;

pub use application::{Application, root, run, run_on_durable_server, run_on_own_server, run_with};
pub use collector::{Collector, Span};
pub use database_proxy::{DatabaseProxy, run_behind_proxy};
pub use documented_answer::documented_answer;
pub use domain::role;
pub use endpoint_path::endpoint_path;
pub use platform::auth::role::Role;
pub use postgresql_server::Server;
pub use previous_release::{Releases, previous_release, run_with_previous_release};
pub use process::{Printed, Process, free_address};
pub use program::{program, run_program};
pub use python::run_python;
pub use reply::{Reply, send};
pub use session::Session;
pub use stub_provider::{Behaviour, ReceivedRequest, StubProvider};
