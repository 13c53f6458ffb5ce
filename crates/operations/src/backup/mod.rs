//! Backups of a cell with pgBackRest: archiving its log, making and checking backups, restoring a whole cluster to a time. What is in
//! the databases, and restoring one tenant, is none of this module's business.

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

pub use archiver::{Archiver, archive_now, archiver};
pub use configure::{Setting, configure};
pub use credentials::{Credentials, Files};
pub use information::{Backup, Kind};
pub use list::list;
pub use restore::{Moment, Options as RestoreOptions, Restored, restore};
pub use run::run;
pub use server::Server;
pub use verify::{Finding, verify};

pub use access::Access;
