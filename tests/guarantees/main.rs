//! Tests of guarantees that hold for every endpoint: isolation, access, idempotency, faults and limits.

#![allow(missing_docs)]

mod access;
mod catalog;
mod cells;
mod component_files;
mod component_sizes;
mod database_faults;
mod database_interface;
mod database_privileges;
mod database_tls;
mod documentation;
mod event_log;
mod golden;
mod idempotency;
mod isolation;
mod logged_values;
mod long_polls;
mod marked_requests;
mod memory;
mod personal_data;
mod prepared_statements;
mod previous_release;
mod residency;
mod restarts;
mod rolling_upgrade;
mod schema;
mod server_log;
mod session_changes;
mod slow_clients;
mod slow_database;
mod spin_versions;
mod statement_counts;
