//! Callers, their tokens and their grants. The rows that a caller can access are decided by the
//! database's row security.

pub mod caller;
pub mod claims;
pub mod policy;
pub mod role;
pub mod token;
pub mod verbs;
mod verified_tokens;
