//! Executing `lms backup`, and printing the results.
//! The work lives in `operations::backup`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use operations::backup::{self, Access, Archiving, CredentialFiles, Credentials, RestoreOptions};
use operations::cell::Definition;

use super::{print_line, target};
use crate::arguments::backup::{
    Backup, Configure, CredentialOptions, RepositoryOptions, Restore, Run,
};
use crate::arguments::cell::CellOptions;

pub(super) async fn execute(state: &Path, command: Backup) -> Result<ExitCode> {
    match command {
        Backup::Configure(options) => configure(state, options).await,
        Backup::Run(options) => run(state, options).await,
        Backup::Verify(options) => verify(options).await,
        Backup::List(options) => {
            print_line(backup::list(&access(&options)?).await?)?;
            Ok(ExitCode::SUCCESS)
        }
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

async fn configure(state: &Path, options: Configure) -> Result<ExitCode> {
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
    print_line(format_args!(
        "{} archives to {} repositories within {} s, and keeps its backups for {} days",
        definition.name,
        definition.backup.repositories.len(),
        definition.backup.archive_timeout,
        definition.retention.days()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(state: &Path, options: Run) -> Result<ExitCode> {
    let definition = definition(&options.cell)?;
    let server = target::server(state, &options.server).await?;
    let access = Access::configured(&definition, &server)?;
    for (repository, made) in backup::run(&access, &server, options.kind).await? {
        print_line(format_args!(
            "{} in {repository}: {} bytes, {} stored",
            made.label, made.size, made.stored_size
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(options: RepositoryOptions) -> Result<ExitCode> {
    let findings = backup::verify(&access(&options)?).await?;
    for finding in &findings {
        print_line(finding)?;
    }
    Ok(
        match findings.iter().all(|finding| finding.faults.is_empty()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        },
    )
}

async fn restore(options: Restore) -> Result<ExitCode> {
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
    print_line(format_args!(
        "{} contains everything that was committed by that time, from the backup {} in {} ({:.1} s to copy, {:.1} s to replay); it does not archive until \
        `lms backup configure` is run for it",
        restore.into.display(),
        done.backup.label,
        done.repository,
        done.copy_time.as_secs_f64(),
        done.replay_time.as_secs_f64()
    ))?;
    Ok(ExitCode::SUCCESS)
}
