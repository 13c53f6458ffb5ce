//! The operator's tools, against whole cells.

#![allow(missing_docs)]

mod cluster;
mod deployment;
mod event_chain;
mod event_commands;
mod event_export;
mod event_replay;
mod local_cells;
mod recovery;
mod site;
mod tenant_moves;
mod tenant_restoring;
