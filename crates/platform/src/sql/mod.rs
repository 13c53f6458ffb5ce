//! The access to the database: statements, their context, and their results. The statements of
//! declared resources are composed in `declare::statements`, and `spin::postgres` sends them.

pub mod context;
pub mod database;
pub mod error;
pub mod sqlstate;
pub mod statement;
pub(crate) mod statement_cache;
