//! The command line of `lms backup`.
//! The work lives in `operations::backup`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use operations::backup::{BackupType, RecoveryTarget};

use super::Target;
use super::cell::CellOptions;

#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Prepare the cell's repositories, and set the server up to archive to them
    Configure(Configure),
    /// Make a backup in each repository, and remove expired backups
    Run(Run),
    /// Read everything in the repositories, and report damaged and missing files
    Verify(RepositoryOptions),
    /// List the backups, and the times that can be restored
    List(RepositoryOptions),
    /// Restore the cell to a time, into a new data directory
    Restore(Restore),
}

/// The server that is backed up: the private cluster, unless another one is given.
#[derive(Args)]
pub(crate) struct ServerOptions {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Data directory of the server at --database-url, if it is not the private cluster
    #[arg(long, value_name = "DIRECTORY", requires = "database_url")]
    pub(crate) data_directory: Option<PathBuf>,
}

/// The credentials of the repositories.
#[derive(Args)]
pub(crate) struct CredentialOptions {
    /// File with the passphrase of the cell's repositories
    #[arg(long, env = "LMS_BACKUP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: PathBuf,

    /// File with the id and the secret of the S3 access key, on one line; without it, the machine's own role is used
    #[arg(long, env = "LMS_BACKUP_S3_KEY_FILE", value_name = "FILE")]
    pub(crate) s3_key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Configure {
    #[command(flatten)]
    pub(crate) cell: CellOptions,

    #[command(flatten)]
    pub(crate) credentials: CredentialOptions,

    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) cell: CellOptions,

    /// Extent of the backup: everything, or the differences from the last full backup or from the last backup
    #[arg(long = "type", value_enum, default_value = "full")]
    pub(crate) kind: BackupType,

    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Args)]
pub(crate) struct RepositoryOptions {
    #[command(flatten)]
    pub(crate) cell: CellOptions,

    #[command(flatten)]
    pub(crate) credentials: CredentialOptions,
}

#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) cell: CellOptions,

    #[command(flatten)]
    pub(crate) credentials: CredentialOptions,

    /// Time to restore to, such as 2026-09-01T12:30:00Z, or `latest` for everything that was archived
    #[arg(long, value_name = "TIME", value_parser = recovery_target)]
    pub(crate) to_time: RecoveryTarget,

    /// New data directory, which must not exist or must be empty
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) into: PathBuf,

    /// Number of the repository to restore from; without it, the first suitable one
    #[arg(long, value_name = "NUMBER")]
    pub(crate) repository: Option<usize>,
}

fn recovery_target(text: &str) -> Result<RecoveryTarget, String> {
    if text == "latest" {
        return Ok(RecoveryTarget::Latest);
    }
    text.parse::<DateTime<Utc>>()
        .map(RecoveryTarget::Time)
        .map_err(|_| "it must be a time such as 2026-09-01T12:30:00Z, or `latest`".to_owned())
}
