//! The event log as seen from outside: verifying its chain, signing its heads, rebuilding tables from it, and exporting it.
//! These commands rely on docs/reference/event-log-format.md, and not on the functions of the schema that write the log.

mod chain;
pub mod export;
pub mod heads;
pub mod keys;
mod log;
mod redactions;
pub mod replay;
mod snapshot;
pub(crate) mod tables;
mod timestamp;
pub mod verify;

pub use chain::{Break, Fault};
