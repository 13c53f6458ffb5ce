//! Making a backup in each repository of a cell (`lms backup run`).
//! Archiving must have been set up before, in `configure`.

use anyhow::{Context, Result, bail};
use database::explain;
use serde::Serialize;
use tokio_postgres::error::SqlState;

use super::access::{Access, RepositoryReference};
use super::archiver::{Archiver, archiver};
use super::information::{Backup, BackupType};
use super::server::Server;
use crate::cell::Repository;
use crate::postgresql::free_space;

/// The size of a segment and its temporary copy. With less space, archiving fails.
const MIN_FREE_SPACE: u64 = 32 * 1024 * 1024;

/// A backup that was made, with its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewBackup {
    /// Its repository.
    pub repository: RepositoryReference,
    /// The backup.
    #[serde(flatten)]
    pub backup: Backup,
}

/// Makes a backup in each repository, and removes expired backups.
///
/// # Errors
///
/// When archiving does not work, or a repository fails. The other repositories are written nevertheless, and the error names each failure.
pub async fn run(access: &Access, server: &Server, kind: BackupType) -> Result<Vec<NewBackup>> {
    check_archiving(access, server).await?;
    let mut made = Vec::new();
    let mut failed = Vec::new();
    for repository in access.repositories() {
        let options = [format!("--type={}", kind.as_str()), repository.option()];
        match access.program.run("backup", options).await {
            Ok(_) => {
                let newest = access.backups(repository).await?.pop();
                let newest = newest.context("the new backup is not in its repository")?;
                record(server, repository.key, &newest).await?;
                made.push(NewBackup {
                    repository: repository.reference(),
                    backup: newest,
                });
            }
            Err(error) => failed.push(format!("{}: {error:#}", repository.described())),
        }
    }
    if failed.is_empty() {
        return Ok(made);
    }
    bail!("no backup in {}", failed.join("; "))
}

/// Records the end of a backup in the database, where the worker reads its age.
async fn record(server: &Server, repository: usize, backup: &Backup) -> Result<()> {
    let repository = i32::try_from(repository)?;
    let recorded = server
        .connect()
        .await?
        .execute(
            "-- backup.record
            insert into lms_private.backups (repository, ended_at)
            values ($1, $2)
            on conflict (repository) do update
            set ended_at = excluded.ended_at",
            &[&repository, &backup.ended_at],
        )
        .await;
    match recorded {
        // A server that is no cell yet, or that has an older schema, has no worker that would read it.
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(()),
        recorded => recorded
            .map(|_| ())
            .map_err(explain)
            .context("the backup was made, but its time cannot be recorded in the database"),
    }
}

/// Rejects a server that does not archive, because a backup needs the segments of its own time. pgBackRest would wait for them, and
/// report less.
async fn check_archiving(access: &Access, server: &Server) -> Result<()> {
    let state = archiver(&server.connect().await?).await?;
    match state {
        Archiver::Off => bail!(
            "the server does not archive: run `lms backup configure --cell {}`",
            access.definition.name
        ),
        Archiver::Failing { .. } => bail!("{state}{}", cause(access)),
        Archiver::Working { .. } => Ok(()),
    }
}

/// The repository whose disk is full, if that is the cause.
fn cause(access: &Access) -> String {
    let full = access.repositories().find(|numbered| {
        matches!(numbered.repository, Repository::Posix { path }
            if free_space(path).is_ok_and(|free| free < MIN_FREE_SPACE))
    });
    match full {
        Some(repository) => format!(
            "; the disk of {} is full: free some space",
            repository.described()
        ),
        None => "; the server's log has the reason".to_owned(),
    }
}
