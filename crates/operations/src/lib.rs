//! What operators do: backups and restores, the event log, moving and restoring one tenant, erasing a person, checking cells and databases.
//! The commands live in `cli`; what only a developer's machine needs lives in `local`.

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
pub mod user;
