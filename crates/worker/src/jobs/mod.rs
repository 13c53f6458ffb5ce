//! The jobs of the worker, one file each, and the report on a round.
//! The order in which they run is in `rounds`; messages are delivered in `notifications` and `webhooks`.

pub(crate) mod analytics;
pub(crate) mod changed_zones;
pub(crate) mod escalation;
pub(crate) mod extension;
pub(crate) mod partitions;
pub(crate) mod reminders;
mod report;
pub(crate) mod retention;
pub(crate) mod sealing;

pub use analytics::refresh_views;
pub use report::{Clash, Escalation, Failure, NotRemoved, OutdatedLessons, Report};
pub use sealing::seal;

/// The request id of a round's transactions in the event log.
const REQUEST_ID: &str = "worker";
