//! `lms backup configure`: the server archives its log from then on, and the repositories are ready.

use std::path::Path;

use anyhow::{Context, Result, bail};
use database::{explain, quote_literal};
use tokio_postgres::Client;

use super::access::{Access, FILE, Numbered, make, make_work_directory, work_directory};
use super::configuration;
use super::credentials::Credentials;
use super::server::Server;
use crate::cell::{Definition, Repository};
use crate::postgresql::Account;
use crate::private_file::write_private;

/// Prepares the repositories of a cell and sets up the server to archive to them. Returns whether the server has to be restarted, and
/// this called again, for that to begin.
///
/// # Errors
///
/// When a repository cannot be used or belongs to another cell, the passphrase is not its own, or the server cannot be set up. Nothing
/// of the server is changed then.
pub async fn configure(
    definition: &Definition,
    credentials: &Credentials,
    server: &Server,
) -> Result<Setting> {
    let client = server.connect().await?;
    refuse_what_cannot_be_restored(&client).await?;
    refuse_other_cell(definition, server)?;
    for repository in &definition.backup.repositories {
        if let Repository::Posix { path } = repository {
            make_repository(path, &server.account)?;
        }
    }
    check_repositories(&Access::from_anywhere(definition, credentials)?).await?;

    let work = work_directory(&server.data, definition)?;
    make_work_directory(&work, &server.account)?;
    let file = work.join(FILE);
    let text = configuration::text(definition, credentials, &work, Some(&server.data))?;
    write_private(&file, &text)?;
    server.account.own(&file)?;

    let access = Access::of_server(definition, server)?;
    access
        .program
        .run("stanza-create", NO_OPTIONS)
        .await
        .context("cannot prepare the repositories")?;
    set(&client, definition, &file).await?;
    if needs_restart(&client).await? {
        return Ok(Setting::AfterRestart);
    }
    access
        .program
        .run("check", NO_OPTIONS)
        .await
        .context("what the server archives does not arrive in the repositories")?;
    Ok(Setting::Working)
}

/// What `configure` has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The server archives, and what it archives arrives.
    Working,
    /// The server has to be restarted and this called again.
    AfterRestart,
}

const NO_OPTIONS: [&str; 0] = [];

fn make_repository(path: &Path, account: &Account) -> Result<()> {
    make(path, account)
        .with_context(|| format!("the repository {} cannot be reached", path.display()))
}

/// A cluster whose writes are not forced to disk may be damaged in ways that a backup carries along.
async fn refuse_what_cannot_be_restored(client: &Client) -> Result<()> {
    let row = client
        .query_one(
            "-- backup.durability
            select current_setting('full_page_writes') = 'on' and current_setting('fsync') = 'on'",
            &[],
        )
        .await
        .map_err(explain)?;
    if !row.get::<_, bool>(0) {
        bail!(
            "this server does not force its writes to disk (fsync, full_page_writes): what it holds cannot be restored with certainty"
        );
    }
    Ok(())
}

/// Refuses repositories that hold another cell's backups, and a passphrase that does not open what is there.
async fn check_repositories(access: &Access) -> Result<()> {
    for repository in access.repositories() {
        for place in ["archive", "backup"] {
            refuse_others(access, repository, place).await?;
        }
        if holds(access, repository).await? {
            access.backups(repository).await?;
        }
    }
    Ok(())
}

/// Refuses a server that is configured as another cell, which would go on archiving where it does.
fn refuse_other_cell(definition: &Definition, server: &Server) -> Result<()> {
    let configured = server.data.parent().map(|parent| parent.join("backup"));
    let other = configured
        .and_then(|directory| std::fs::read_dir(directory).ok())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name != definition.name.as_str());
    match other {
        Some(other) => bail!(
            "this server is configured as the cell {other}: a cell never changes; check which server is meant"
        ),
        None => Ok(()),
    }
}

/// The names in a directory of a repository.
async fn names(access: &Access, repository: Numbered<'_>, place: &str) -> Result<Vec<String>> {
    let printed = access
        .program
        .run_for_all("repo-ls", [repository.option(), place.to_owned()])
        .await
        .with_context(|| format!("{} cannot be reached", repository.described()))?;
    Ok(printed.lines().map(str::to_owned).collect())
}

async fn holds(access: &Access, repository: Numbered<'_>) -> Result<bool> {
    Ok(!names(access, repository, "backup").await?.is_empty())
}

async fn refuse_others(access: &Access, repository: Numbered<'_>, place: &str) -> Result<()> {
    let other = names(access, repository, place)
        .await?
        .into_iter()
        .find(|name| name != access.definition.name.as_str());
    match other {
        Some(other) => bail!(
            "{} holds backups of the cell {other}: each cell has repositories of its own",
            repository.described()
        ),
        None => Ok(()),
    }
}

/// Has the server archive. What it has to be restarted for is set too, and waits.
async fn set(client: &Client, definition: &Definition, file: &Path) -> Result<()> {
    let command = configuration::archive_command(file, definition.name.as_str());
    let timeout = definition.backup.archive_timeout.to_string();
    for (name, value) in [
        ("wal_level", "replica"),
        ("archive_mode", "on"),
        ("archive_timeout", timeout.as_str()),
        ("archive_command", command.as_str()),
    ] {
        client
            .batch_execute(&format!(
                "alter system set {name} = {}",
                quote_literal(value)
            ))
            .await
            .map_err(explain)
            .context("the server cannot be set up: the login has to be a superuser's")?;
    }
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .map_err(explain)
}

/// Archiving cannot be switched on while the server runs.
async fn needs_restart(client: &Client) -> Result<bool> {
    let row = client
        .query_one(
            "-- backup.needs_restart
            select current_setting('archive_mode') = 'off' or current_setting('wal_level') = 'minimal'",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}
