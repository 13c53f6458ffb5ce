//! Backups of a cell with pgBackRest: archiving its write-ahead log, making and verifying backups, and restoring a whole cluster to a time.
//! A single tenant is restored in `tenant_restore`.

mod access;
mod archive;
mod archiver;
mod configuration;
mod configure;
mod credentials;
mod information;
mod list;
mod program;
mod recovery;
mod restore;
mod run;
mod server;
mod verify;

pub use access::{Access, RepositoryReference};
pub use archiver::{Archiver, archive_now, archiver};
pub use configure::{Archiving, configure};
pub use credentials::{CredentialFiles, Credentials};
pub use information::{Backup, BackupType};
pub use list::{Contents, Recoverable, list};
pub use restore::{Options as RestoreOptions, RecoveryTarget, Restored, restore};
pub use run::{NewBackup, run};
pub use server::Server;
pub use verify::{Finding, verify};
