//! What a developer's machine needs: a private PostgreSQL, an installation with demo data, the application served on the embedded host.
//! Nothing in here is part of a production image; what an operator needs lives in `operations`.

pub mod cells;
pub mod cluster;
pub mod demo;
mod descriptors;
pub mod dev_outbox;
pub mod doctor;
pub mod installation;
pub mod manifest;
pub mod openapi;
pub mod secrets;
pub mod serve;
pub mod up;
