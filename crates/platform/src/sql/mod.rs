//! The one way to the database: statements, their context, and what comes back.
//!
//! The statements of declared resources are made in `declare::statements`; `spin::postgres` sends them.

pub mod context;
pub mod database;
pub mod error;
pub mod sqlstate;
pub mod statement;
pub(crate) mod statement_cache;
