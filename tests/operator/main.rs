//! Tests of the operator's tools, against whole cells.

#![allow(missing_docs)]

mod backup_answers;
mod cluster;
mod command_answers;
mod deployment;
mod event_chain;
mod event_commands;
mod event_export;
mod event_replay;
mod local_cells;
mod logs;
mod metrics;
mod observability;
mod recovery;
mod recovery_fixture;
mod tenant_commands;
mod tenant_relocation;
mod tenant_restore;
mod traces;
mod user_commands;
