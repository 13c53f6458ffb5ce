//! Access to the repositories of a cell, with the configuration that `lms backup configure` wrote or with a temporary one.
//! The text of a configuration lives in `configuration`.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tempfile::TempDir;

use super::archive::Archive;
use super::configuration;
use super::credentials::Credentials;
use super::information::{self, Backup};
use super::program::{Program, explain};
use super::server::Server;
use crate::cell::{Definition, Repository};
use crate::postgresql::Account;
use crate::private_file::write_private;

/// The configuration's name within its directory.
pub(super) const CONFIGURATION_FILE_NAME: &str = "pgbackrest.conf";

/// Access to the repositories of a cell.
pub struct Access {
    pub(super) program: Program,
    pub(super) definition: Definition,
    /// The directory of a temporary configuration, which is removed together with this value.
    _directory: Option<TempDir>,
}

/// A repository, as messages and answers name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryReference {
    /// Its number in pgBackRest, from 1.
    pub number: usize,
    /// Its directory, or its address in an object store.
    pub location: String,
}

impl Display for RepositoryReference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "repository {} ({})", self.number, self.location)
    }
}

/// A repository with its number in pgBackRest, from 1.
#[derive(Clone, Copy)]
pub(super) struct NumberedRepository<'a> {
    pub(super) key: usize,
    pub(super) repository: &'a Repository,
}

impl NumberedRepository<'_> {
    pub(super) fn option(self) -> String {
        format!("--repo={}", self.key)
    }

    pub(super) fn reference(self) -> RepositoryReference {
        RepositoryReference {
            number: self.key,
            location: self.repository.location(),
        }
    }

    /// Its description in messages.
    pub(super) fn described(self) -> String {
        self.reference().to_string()
    }
}

impl Access {
    /// Access with the configuration that `lms backup configure` wrote for a server.
    ///
    /// # Errors
    ///
    /// When the command has not been run for this server and cell.
    pub fn configured(definition: &Definition, server: &Server) -> Result<Self> {
        let configuration = work_directory(&server.data, definition)?.join(CONFIGURATION_FILE_NAME);
        if !configuration.is_file() {
            bail!(
                "the backups of {0} are not configured for this server: run `lms backup configure --cell {0}`",
                definition.name
            );
        }
        Ok(Self {
            program: Program {
                account: server.account.clone(),
                configuration,
                stanza: definition.name.to_string(),
                environment: server.environment()?,
            },
            definition: definition.clone(),
            _directory: None,
        })
    }

    /// Access with a temporary configuration, without a server, as on a new machine.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be written.
    pub fn temporary(definition: &Definition, credentials: &Credentials) -> Result<Self> {
        let account = Account::find()?;
        let directory = tempfile::Builder::new()
            .prefix("lms-backup-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .context("cannot create a temporary directory")?;
        account.own(directory.path())?;
        let configuration = directory.path().join(CONFIGURATION_FILE_NAME);
        let text = configuration::text(definition, credentials, directory.path(), None)?;
        write_private(&configuration, &text)?;
        account.own(&configuration)?;
        Ok(Self {
            program: Program {
                account,
                configuration,
                stanza: definition.name.to_string(),
                environment: Vec::new(),
            },
            definition: definition.clone(),
            _directory: Some(directory),
        })
    }

    pub(super) fn repositories(&self) -> impl Iterator<Item = NumberedRepository<'_>> {
        let repositories = &self.definition.backup.repositories;
        (1..)
            .zip(repositories)
            .map(|(key, repository)| NumberedRepository { key, repository })
    }

    /// The backups in a repository, the oldest first.
    pub(super) async fn backups(&self, repository: NumberedRepository<'_>) -> Result<Vec<Backup>> {
        if let Repository::Posix { path } = repository.repository
            && !path.is_dir()
        {
            bail!(
                "{} cannot be reached: there is no such directory",
                repository.described()
            );
        }
        let read = async {
            let printed = self
                .program
                .run("info", ["--output=json".to_owned(), repository.option()])
                .await?;
            information::parse(&printed)
        };
        let state = read
            .await
            .with_context(|| format!("{} cannot be read", repository.described()))?;
        match state.error {
            Some(error) => bail!("{}: {}", repository.described(), explain(&error)),
            None => Ok(state.backups),
        }
    }

    /// The archived segments in a repository.
    pub(super) async fn archive(&self, repository: NumberedRepository<'_>) -> Result<Archive> {
        let path = format!("archive/{}", self.definition.name);
        let read = async {
            let options = [
                "--output=json".to_owned(),
                "--recurse".to_owned(),
                repository.option(),
                path,
            ];
            let printed = self.program.run_without_stanza("repo-ls", options).await?;
            Archive::parse(&printed)
        };
        read.await
            .with_context(|| format!("the archive in {} cannot be read", repository.described()))
    }
}

/// The directory for the configuration of a cell's backups. It is beside the data directory and not in it, so that no backup contains it.
pub(super) fn work_directory(data: &Path, definition: &Definition) -> Result<PathBuf> {
    let parent = data
        .parent()
        .with_context(|| format!("{} has no parent directory", data.display()))?;
    Ok(parent.join("backup").join(definition.name.as_str()))
}

/// Creates the directory that [`work_directory`] returns.
pub(super) fn create_work_directory(path: &Path, account: &Account) -> Result<()> {
    if let Some(parent) = path.parent() {
        create_directory(parent, account)?;
    }
    create_directory(path, account)
}

/// Creates a directory that only the server's account may enter.
pub(super) fn create_directory(path: &Path, account: &Account) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create the directory {}", path.display()))?;
    account.own(path)
}
