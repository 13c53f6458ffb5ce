//! PostgreSQL for native programs: connecting, acting in a tenant's context, migrating, and identifying the cell of a database.
//! The statements of requests live in the components; background work lives in `worker`, and the work of operators in `operations`.

pub mod analytics;
pub mod cell;
mod certificate;
mod connection;
pub mod migrate;
pub mod tenant;
pub mod zones;

pub use certificate::server_certificate_expiry;
pub use connection::{
    connect, copy_rows, explain, host_and_port, parse, quote_literal, quote_name, with_database,
    with_login, with_role, without_password,
};
