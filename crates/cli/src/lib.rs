//! Everything the program `lms` does, one module for each subject, so that tests can call it without a process.
//! Only the command line itself (arguments, exit codes, printing of errors) lives in `main.rs` and `arguments.rs`.

pub mod analytics;
pub mod backup;
pub mod bench;
pub mod cell;
pub mod cluster;
pub mod database;
pub mod delivery;
pub mod demo;
mod descriptors;
pub mod doctor;
pub mod drill;
pub mod events;
pub mod installation;
pub mod manifest;
pub mod migrate;
pub mod moving;
pub mod openapi;
pub mod password;
pub mod placement;
pub mod privacy;
pub mod progress;
pub mod restoring;
pub mod secrets;
pub mod seed;
pub mod serve;
pub mod server_log;
pub mod sink;
mod stop;
pub mod tenant;
pub mod up;
pub mod user;
pub mod webhooks;
pub mod worker;
pub mod zones;
