//! Runs the application on a developer's machine: a private PostgreSQL, demo data, a dev outbox and the embedded host.
//! None of it is part of the production image. The operator's tools are in `operations`.

pub mod cells;
pub mod cluster;
pub mod demo;
pub mod dev_outbox;
pub mod doctor;
pub mod installation;
pub mod manifest;
mod open_files;
pub mod openapi;
mod readiness;
pub mod runtime;
pub mod secrets;
pub mod serve;
pub mod up;
