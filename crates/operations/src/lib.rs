//! The work of operators: backups and restores, the event log, relocating and restoring a tenant, erasing a person, and checks of cells
//! and databases.
//! The commands live in `cli`; the parts that only a developer's machine needs live in `local`.

pub mod backup;
pub mod cell;
pub mod doctor;
pub mod events;
pub mod password;
pub mod postgresql;
pub mod privacy;
pub mod private_file;
pub mod progress;
pub mod relocation;
pub mod server_log;
pub mod tenant_restore;
pub mod tenants;
pub mod time;
pub mod user;
