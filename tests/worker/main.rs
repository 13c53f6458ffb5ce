//! The background work of `lms worker`, one file for each job.

#![allow(missing_docs)]

mod dead_letters;
mod deliveries;
mod escalation;
mod event_partitions;
mod refreshes;
mod retention;
mod sink;
mod webhook_deliveries;
mod webhook_failures;
mod worker;
