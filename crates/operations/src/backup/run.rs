//! `lms backup run`: one backup into each repository of a cell.

use anyhow::{Context, Result, bail};

use super::access::Access;
use super::archiver::{Archiver, archiver};
use super::information::{Backup, Kind};
use super::server::Server;
use crate::cell::Repository;
use crate::postgresql::free_space;

/// Less than a segment and its temporary copy.
const SPACE_FOR_A_SEGMENT: u64 = 32 * 1024 * 1024;

/// Makes a backup in each repository, and returns them with the repository's description. What retention no longer asks for is removed.
///
/// # Errors
///
/// When archiving does not work, or a repository fails. The others are written all the same, and the error names each that failed.
pub async fn run(access: &Access, server: &Server, kind: Kind) -> Result<Vec<(String, Backup)>> {
    refuse_failing(access, server).await?;
    let mut made = Vec::new();
    let mut failed = Vec::new();
    for repository in access.repositories() {
        let options = [format!("--type={}", kind.as_str()), repository.option()];
        match access.program.run("backup", options).await {
            Ok(_) => {
                let newest = access.backups(repository).await?.pop();
                let newest = newest.context("the new backup is not in its repository")?;
                made.push((repository.described(), newest));
            }
            Err(error) => failed.push(format!("{}: {error:#}", repository.described())),
        }
    }
    if failed.is_empty() {
        return Ok(made);
    }
    bail!("no backup in {}", failed.join("; "))
}

/// A backup without the log of its time is none: pgBackRest would wait for that, and say less.
async fn refuse_failing(access: &Access, server: &Server) -> Result<()> {
    let state = archiver(&server.connect().await?).await?;
    match state {
        Archiver::Off => bail!(
            "the server keeps no archive: run `lms backup configure --cell {}`",
            access.definition.name
        ),
        Archiver::Failing { .. } => bail!("{state}{}", full(access)),
        Archiver::Working { .. } => Ok(()),
    }
}

/// Which repository has no room, if that is what fails.
fn full(access: &Access) -> String {
    let full = access.repositories().find(|numbered| {
        matches!(numbered.repository, Repository::Posix { path }
            if free_space(path).is_ok_and(|free| free < SPACE_FOR_A_SEGMENT))
    });
    match full {
        Some(repository) => format!(
            "; the disk of {} is full: free some space",
            repository.described()
        ),
        None => "; the server's log says why".to_owned(),
    }
}
