//! The SQL of the plain verbs, made from the declaration of a resource and a role's grant.
//!
//! The SQL of actions is written by hand beside them, in the components.

pub mod cursor;
pub mod export;
pub mod filter;
pub mod import;
pub mod listing;
pub mod projection;
pub mod single_row;
