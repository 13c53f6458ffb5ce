//! The command line of `lms backup`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use operations::backup::{Kind, Moment};

use super::Target;
use super::cell::CellChoice;

#[derive(Subcommand)]
pub(crate) enum Backup {
    /// Have the server archive its log into the cell's repositories, and prepare those
    Configure(Configure),
    /// Make a backup in each repository, and remove those that retention no longer asks for
    Run(Run),
    /// Read everything in the repositories, and name what is damaged or missing
    Verify(Look),
    /// List the backups, and the times that one can restore to
    List(Look),
    /// Make a new data directory with what the cell held at a time
    Restore(Restore),
}

/// Which server is backed up: the private cluster, unless another one is named.
#[derive(Args)]
pub(crate) struct Served {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The data directory of the server that --database-url leads to, for one that is not the private cluster
    #[arg(long, value_name = "DIRECTORY", requires = "database_url")]
    pub(crate) data_directory: Option<PathBuf>,
}

/// What opens the repositories.
#[derive(Args)]
pub(crate) struct Keys {
    /// File with the passphrase of the cell's repositories
    #[arg(long, env = "LMS_BACKUP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: PathBuf,

    /// File with the id and the secret of the key for S3, on one line; without it, the machine's own role is used
    #[arg(long, env = "LMS_BACKUP_S3_KEY_FILE", value_name = "FILE")]
    pub(crate) s3_key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Configure {
    #[command(flatten)]
    pub(crate) cell: CellChoice,

    #[command(flatten)]
    pub(crate) keys: Keys,

    #[command(flatten)]
    pub(crate) served: Served,
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) cell: CellChoice,

    /// What to write: everything, or what differs from the last full backup, or from the last one
    #[arg(long = "type", value_enum, default_value = "full")]
    pub(crate) kind: Kind,

    #[command(flatten)]
    pub(crate) served: Served,
}

#[derive(Args)]
pub(crate) struct Look {
    #[command(flatten)]
    pub(crate) cell: CellChoice,

    #[command(flatten)]
    pub(crate) keys: Keys,
}

#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) cell: CellChoice,

    #[command(flatten)]
    pub(crate) keys: Keys,

    /// The time, such as 2026-09-01T12:30:00Z, or `latest` for all that was archived
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) to_time: Moment,

    /// The new data directory; must not be there yet, or be empty
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) into: PathBuf,

    /// Which repository to restore from; without it, the first that can serve
    #[arg(long, value_name = "NUMBER")]
    pub(crate) repository: Option<usize>,
}

fn moment(text: &str) -> Result<Moment, String> {
    if text == "latest" {
        return Ok(Moment::Latest);
    }
    text.parse::<DateTime<Utc>>()
        .map(Moment::At)
        .map_err(|_| "it has to be like 2026-09-01T12:30:00Z, or `latest`".to_owned())
}
