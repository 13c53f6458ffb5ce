//! PostgreSQL as native programs reach it: connecting, acting in a tenant's context, migrating, and telling which cell a database is.
//! The statements of requests live in the components; the work of operators and of the background lives in `operations` and `worker`.

pub mod analytics;
pub mod cell;
mod connection;
pub mod migrate;
pub mod tenant;
pub mod zones;

pub use connection::{
    connect, copy_rows, explain, host_and_port, parse, quote_literal, quote_name, with_database,
    with_login, with_role, without_password,
};
