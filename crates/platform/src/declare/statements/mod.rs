//! The SQL of the plain verbs, derived from the declaration of a resource and the grant of a role.
//! The SQL of actions is written by hand in the components.

pub mod cursor;
pub mod export;
pub mod filter;
pub mod import;
pub mod listing;
pub mod projection;
pub mod single_row;
