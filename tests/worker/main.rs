//! Tests of the background jobs of `lms worker`, with a file for each job.

#![allow(missing_docs)]

mod analytics_refresh;
mod dead_letters;
mod dev_outbox;
mod escalation;
mod event_partitions;
mod notification_deliveries;
mod occurrence_planning;
mod retention;
mod webhook_deliveries;
mod webhook_failures;
