//! The jobs of the worker, one file each, and the report of a round.
//! The order in which they run lives in `rounds`; delivering messages lives in `delivery` and `webhooks`.

pub(crate) mod clocks;
pub(crate) mod escalation;
pub(crate) mod extension;
pub(crate) mod partitions;
pub(crate) mod refreshing;
pub(crate) mod reminders;
mod report;
pub(crate) mod retention;
pub(crate) mod sealing;

pub use report::{Clash, Escalation, Failure, NotRemoved, OffTheClock, Report};
pub use sealing::seal;

/// What the transactions of a round are called in the event log.
const REQUEST: &str = "worker";
