//! Setting up archiving (`lms backup configure`): preparing the repositories, and the server to archive to them.
//! The text of pgBackRest's configuration lives in `configuration`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use database::{explain, quote_literal};
use tokio_postgres::Client;

use super::access::{
    Access, CONFIGURATION_FILE_NAME, NumberedRepository, create_directory, create_work_directory,
    work_directory,
};
use super::configuration;
use super::credentials::Credentials;
use super::server::Server;
use crate::cell::{Definition, Repository};
use crate::postgresql::Account;
use crate::private_file::write_private;

/// Prepares the repositories of a cell and sets up the server to archive to them.
///
/// # Errors
///
/// When a repository cannot be used or belongs to another cell, the passphrase is wrong, or the server cannot be set up. Then the server is
/// not changed.
pub async fn configure(
    definition: &Definition,
    credentials: &Credentials,
    server: &Server,
) -> Result<Archiving> {
    let client = server.connect().await?;
    check_durability(&client).await?;
    check_server_cell(definition, server)?;
    for repository in &definition.backup.repositories {
        if let Repository::Posix { path } = repository {
            create_repository(path, &server.account)?;
        }
    }
    check_repositories(&Access::temporary(definition, credentials)?).await?;

    let work = work_directory(&server.data, definition)?;
    create_work_directory(&work, &server.account)?;
    let file = work.join(CONFIGURATION_FILE_NAME);
    let text = configuration::text(definition, credentials, &work, Some(&server.data))?;
    write_private(&file, &text)?;
    server.account.own(&file)?;

    let access = Access::configured(definition, server)?;
    access
        .program
        .run("stanza-create", NO_OPTIONS)
        .await
        .context("cannot prepare the repositories")?;
    set_up_server(&client, definition, &file).await?;
    if needs_restart(&client).await? {
        return Ok(Archiving::RestartRequired);
    }
    access
        .program
        .run("check", NO_OPTIONS)
        .await
        .context("archived segments do not arrive in the repositories")?;
    Ok(Archiving::Working)
}

/// The result of setting up archiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archiving {
    /// The server archives, and the segments arrive.
    Working,
    /// The server must be restarted, and `configure` called again.
    RestartRequired,
}

const NO_OPTIONS: [&str; 0] = [];

fn create_repository(path: &Path, account: &Account) -> Result<()> {
    create_directory(path, account)
        .with_context(|| format!("the repository {} cannot be reached", path.display()))
}

/// Rejects a server that does not force its writes to disk, because a backup would contain any damage that follows from that.
async fn check_durability(client: &Client) -> Result<()> {
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
            "this server does not force its writes to disk (fsync, full_page_writes): its data cannot be restored with certainty"
        );
    }
    Ok(())
}

/// Rejects repositories with another cell's backups, and a passphrase that does not open existing backups.
async fn check_repositories(access: &Access) -> Result<()> {
    for repository in access.repositories() {
        for directory in ["archive", "backup"] {
            check_repository_cell(access, repository, directory).await?;
        }
        if has_backups(access, repository).await? {
            access.backups(repository).await?;
        }
    }
    Ok(())
}

/// Rejects a server that is configured as another cell, and archives to the repositories of that cell.
fn check_server_cell(definition: &Definition, server: &Server) -> Result<()> {
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
            "this server is configured as the cell {other}: the identity of a cell never changes; check which server is meant"
        ),
        None => Ok(()),
    }
}

/// The names in a directory of a repository.
async fn names(
    access: &Access,
    repository: NumberedRepository<'_>,
    directory: &str,
) -> Result<Vec<String>> {
    let printed = access
        .program
        .run_without_stanza("repo-ls", [repository.option(), directory.to_owned()])
        .await
        .with_context(|| format!("{} cannot be reached", repository.described()))?;
    Ok(printed.lines().map(str::to_owned).collect())
}

async fn has_backups(access: &Access, repository: NumberedRepository<'_>) -> Result<bool> {
    Ok(!names(access, repository, "backup").await?.is_empty())
}

async fn check_repository_cell(
    access: &Access,
    repository: NumberedRepository<'_>,
    directory: &str,
) -> Result<()> {
    let other = names(access, repository, directory)
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

/// Changes the server's settings so that it archives. Some of them take effect after a restart.
async fn set_up_server(client: &Client, definition: &Definition, file: &Path) -> Result<()> {
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
            .context("the server cannot be set up: the login must be that of a superuser")?;
    }
    client
        .batch_execute("select pg_reload_conf()")
        .await
        .map_err(explain)
}

/// Returns whether the server must be restarted, because archiving cannot be switched on while it runs.
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
