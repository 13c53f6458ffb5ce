//! What `lms backup` does.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use operations::backup::{self, Access, Credentials, Files, RestoreOptions, Setting};
use operations::cell::Definition;

use super::{say, target};
use crate::arguments::backup::{Backup, Configure, Keys, Look, Restore, Run};
use crate::arguments::cell::CellChoice;

pub(super) async fn execute(state: &Path, command: Backup) -> Result<ExitCode> {
    match command {
        Backup::Configure(options) => configure(state, options).await,
        Backup::Run(options) => run(state, options).await,
        Backup::Verify(options) => verify(options).await,
        Backup::List(options) => {
            say(backup::list(&opened(&options)?).await?)?;
            Ok(ExitCode::SUCCESS)
        }
        Backup::Restore(options) => restore(options).await,
    }
}

fn definition(cell: &CellChoice) -> Result<Definition> {
    Definition::load(&cell.directory.cells, &cell.cell)
}

fn credentials(keys: &Keys) -> Result<Credentials> {
    Credentials::read(&Files {
        passphrase: keys.passphrase_file.clone(),
        s3: keys.s3_key_file.clone(),
    })
}

fn opened(options: &Look) -> Result<Access> {
    Access::from_anywhere(&definition(&options.cell)?, &credentials(&options.keys)?)
}

async fn configure(state: &Path, options: Configure) -> Result<ExitCode> {
    let definition = definition(&options.cell)?;
    let credentials = credentials(&options.keys)?;
    let private = options.served.target.database_url.is_none();
    let server = target::server(state, &options.served).await?;
    let mut setting = backup::configure(&definition, &credentials, &server).await?;
    if setting == Setting::AfterRestart {
        if !private {
            bail!(
                "the server is set up: restart it, then run this again to see that its archive arrives"
            );
        }
        let server = target::restart(state).await?;
        setting = backup::configure(&definition, &credentials, &server).await?;
    }
    if setting != Setting::Working {
        bail!("the server does not archive after a restart: see its log");
    }
    say(format_args!(
        "{} archives to {} repositories, after {} s at the latest, and keeps its backups for {} days",
        definition.name,
        definition.backup.repositories.len(),
        definition.backup.archive_timeout,
        definition.retention.days()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(state: &Path, options: Run) -> Result<ExitCode> {
    let definition = definition(&options.cell)?;
    let server = target::server(state, &options.served).await?;
    let access = Access::of_server(&definition, &server)?;
    for (repository, made) in backup::run(&access, &server, options.kind).await? {
        say(format_args!(
            "{} in {repository}: {} bytes, {} stored",
            made.label, made.size, made.stored
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(options: Look) -> Result<ExitCode> {
    let findings = backup::verify(&opened(&options)?).await?;
    for finding in &findings {
        say(finding)?;
    }
    Ok(
        match findings.iter().all(|finding| finding.faults.is_empty()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        },
    )
}

async fn restore(options: Restore) -> Result<ExitCode> {
    let access = Access::from_anywhere(&definition(&options.cell)?, &credentials(&options.keys)?)?;
    let restore = RestoreOptions {
        moment: options.to_time,
        into: std::path::absolute(&options.into)
            .with_context(|| format!("cannot resolve {}", options.into.display()))?,
        repository: options.repository,
    };
    let done = backup::restore(&access, &restore).await?;
    say(format_args!(
        "{} holds what was committed by that time, from the backup {} in {} ({:.1} s to copy, {:.1} s to replay); it does not archive until \
        `lms backup configure` is run for it",
        restore.into.display(),
        done.backup.label,
        done.repository,
        done.copying.as_secs_f64(),
        done.replaying.as_secs_f64()
    ))?;
    Ok(ExitCode::SUCCESS)
}
