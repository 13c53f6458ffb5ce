//! Callers, their tokens and their grants.
//!
//! Which rows a caller reaches is decided by the database's row security, not here.

pub mod caller;
mod hmac_provider;
pub mod policy;
pub mod role;
pub mod token;
pub mod verbs;
