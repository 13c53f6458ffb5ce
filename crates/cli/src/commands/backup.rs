//! Executing `lms backup`.
//! The work lives in `operations::backup`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use operations::backup::{
    self, Access, Archiving, Backup as Made, Contents, CredentialFiles, Credentials,
    RepositoryReference, RestoreOptions, Restored,
};
use operations::cell::{Definition, Repository};
use operations::time;
use serde::Serialize;

use super::target;
use crate::answer::{Lines, Outcome, Row, table};
use crate::arguments::backup::{
    Backup, Configure, CredentialOptions, RepositoryOptions, Restore, Run,
};
use crate::arguments::cell::CellOptions;

const BYTES_PER_MEGABYTE: f64 = 1_000_000.0;

/// A cell whose server archives.
#[derive(Serialize)]
struct Configured {
    cell: String,
    archive_timeout: u32,
    retention_days: u32,
    repositories: Vec<Repository>,
}

/// A data directory with a restored cell.
#[derive(Serialize)]
struct RestoredCell {
    data_directory: PathBuf,
    repository: RepositoryReference,
    backup: Made,
    copy_seconds: f64,
    replay_seconds: f64,
}

pub(super) async fn execute(state: &Path, command: Backup) -> Result<Outcome> {
    match command {
        Backup::Configure(options) => configure(state, options).await,
        Backup::Run(options) => run(state, options).await,
        Backup::Verify(options) => verify(options).await,
        Backup::List(options) => list(options).await,
        Backup::Restore(options) => restore(options).await,
    }
}

fn definition(cell: &CellOptions) -> Result<Definition> {
    Definition::load(&cell.directory.cells, &cell.cell)
}

fn credentials(options: &CredentialOptions) -> Result<Credentials> {
    Credentials::read(&CredentialFiles {
        passphrase: options.passphrase_file.clone(),
        s3: options.s3_key_file.clone(),
    })
}

fn access(options: &RepositoryOptions) -> Result<Access> {
    Access::temporary(
        &definition(&options.cell)?,
        &credentials(&options.credentials)?,
    )
}

async fn configure(state: &Path, options: Configure) -> Result<Outcome> {
    let definition = definition(&options.cell)?;
    let credentials = credentials(&options.credentials)?;
    let is_private = options.server.target.database_url.is_none();
    let server = target::server(state, &options.server).await?;
    let mut archiving = backup::configure(&definition, &credentials, &server).await?;
    if archiving == Archiving::RestartRequired {
        if !is_private {
            bail!(
                "the server is set up: restart it, then run this command again to check that its segments arrive"
            );
        }
        let server = target::restart(state).await?;
        archiving = backup::configure(&definition, &credentials, &server).await?;
    }
    if archiving != Archiving::Working {
        bail!("the server does not archive after a restart: its log has the reason");
    }
    let configured = Configured {
        cell: definition.name.to_string(),
        archive_timeout: definition.backup.archive_timeout,
        retention_days: definition.retention.days(),
        repositories: definition.backup.repositories,
    };
    let text = format!(
        "{} archives to {} repositories within {} s, and keeps its backups for {} days",
        configured.cell,
        configured.repositories.len(),
        configured.archive_timeout,
        configured.retention_days
    );
    Ok(Outcome::worded(configured, text))
}

async fn run(state: &Path, options: Run) -> Result<Outcome> {
    let definition = definition(&options.cell)?;
    let server = target::server(state, &options.server).await?;
    let access = Access::configured(&definition, &server)?;
    let data = backup::run(&access, &server, options.kind).await?;
    let lines: Vec<String> = data
        .iter()
        .map(|new| {
            format!(
                "{} in {}: {} bytes, {} stored",
                new.backup.label, new.repository, new.backup.size, new.backup.stored_size
            )
        })
        .collect();
    Ok(Outcome::worded(
        Lines::new("backups", data),
        lines.join("\n"),
    ))
}

async fn verify(options: RepositoryOptions) -> Result<Outcome> {
    let data = backup::verify(&access(&options)?).await?;
    let is_damaged = data.iter().any(|finding| !finding.faults.is_empty());
    Ok(Outcome::answer(Lines::new("repositories", data)).with_fault(is_damaged))
}

/// A backup in the table of all backups.
struct Listed<'a> {
    backup: &'a Made,
    repository: usize,
}

impl Row for Listed<'_> {
    const HEADER: &'static [&'static str] = &[
        "BACKUP",
        "TYPE",
        "STARTED",
        "ENDED",
        "MB",
        "MB STORED",
        "REPOSITORY",
    ];

    fn cells(&self) -> Vec<String> {
        let backup = self.backup;
        vec![
            backup.label.clone(),
            backup.kind.as_str().to_owned(),
            time::text(backup.started_at),
            time::text(backup.ended_at),
            megabytes(backup.size),
            megabytes(backup.stored_size),
            self.repository.to_string(),
        ]
    }
}

async fn list(options: RepositoryOptions) -> Result<Outcome> {
    let data = backup::list(&access(&options)?).await?;
    let backups: Vec<Listed> = data
        .iter()
        .flat_map(|contents| {
            contents.backups.iter().map(|backup| Listed {
                backup,
                repository: contents.repository.number,
            })
        })
        .collect();
    let mut lines = vec![table(&backups)];
    lines.extend(data.iter().map(described));
    Ok(Outcome::worded(
        Lines::new("repositories", data),
        lines.join("\n"),
    ))
}

/// The times that can be restored from a repository, in one line.
fn described(contents: &Contents) -> String {
    let repository = &contents.repository;
    let Some(times) = contents.recoverable else {
        return format!("{repository}: nothing can be restored yet");
    };
    let size = megabytes(contents.archive_size);
    let gap = match &contents.missing_segment {
        Some(segment) => format!("; after that the segment {segment} is missing"),
        None => String::new(),
    };
    format!("{repository}: {times}; the archive takes {size} MB{gap}")
}

fn megabytes(bytes: u64) -> String {
    // The figure is rounded for people.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    format!("{:.1}", bytes / BYTES_PER_MEGABYTE)
}

async fn restore(options: Restore) -> Result<Outcome> {
    let access = Access::temporary(
        &definition(&options.cell)?,
        &credentials(&options.credentials)?,
    )?;
    let restore = RestoreOptions {
        target: options.to_time,
        into: std::path::absolute(&options.into)
            .with_context(|| format!("cannot resolve {}", options.into.display()))?,
        repository: options.repository,
    };
    let done = backup::restore(&access, &restore).await?;
    Ok(restored(restore.into, done))
}

fn restored(data_directory: PathBuf, done: Restored) -> Outcome {
    let restored = RestoredCell {
        data_directory,
        repository: done.repository,
        backup: done.backup,
        copy_seconds: done.copy_time.as_secs_f64(),
        replay_seconds: done.replay_time.as_secs_f64(),
    };
    let text = format!(
        "{} contains everything that was committed by that time, from the backup {} in {} ({:.1} s to copy, {:.1} s to replay); it does not archive until \
        `lms backup configure` is run for it",
        restored.data_directory.display(),
        restored.backup.label,
        restored.repository,
        restored.copy_seconds,
        restored.replay_seconds
    );
    Outcome::worded(restored, text)
}
