//! The system account under which a PostgreSQL server runs. PostgreSQL refuses to run as root, so root hands its files to the system user
//! `postgres`.
//! The roles inside of the database live in the schema.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User};
use tokio::process::Command;

/// The system account of a server.
#[derive(Clone)]
pub struct Account {
    uid: u32,
    gid: u32,
    /// True when this process must change to it.
    is_foreign: bool,
}

impl Account {
    /// The account that runs this program.
    pub fn own_account() -> Self {
        Self {
            uid: Uid::effective().as_raw(),
            gid: Gid::effective().as_raw(),
            is_foreign: false,
        }
    }

    /// `postgres` for root, and otherwise the account that runs this program.
    ///
    /// # Errors
    ///
    /// When root finds no user `postgres`.
    pub fn find() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::own_account());
        }
        let user = User::from_name("postgres").context("cannot look up the system user postgres")?.context(
            "PostgreSQL does not run as root, and there is no system user postgres: install PostgreSQL (apt-get install postgresql-15)",
        )?;
        Ok(Self {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            is_foreign: true,
        })
    }

    /// The owner of an existing data directory.
    ///
    /// # Errors
    ///
    /// When this process may not act as the owner.
    pub fn owner(data: &Path) -> Result<Self> {
        let metadata = fs::metadata(data)
            .with_context(|| format!("cannot read the database cluster {}", data.display()))?;
        let own = Self::own_account();
        if metadata.uid() == own.uid {
            return Ok(own);
        }
        if own.uid != 0 {
            bail!(
                "the database cluster {} belongs to the user with the id {}: run this command as that user or as root",
                data.display(),
                metadata.uid()
            );
        }
        Ok(Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
            is_foreign: true,
        })
    }

    /// A command that runs under this account, in a directory that every account can read.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if self.is_foreign {
            command.uid(self.uid).gid(self.gid).env("HOME", "/");
        }
        command
    }

    /// Makes this account the owner of a path.
    ///
    /// # Errors
    ///
    /// When the owner cannot be changed.
    pub fn own(&self, path: &Path) -> Result<()> {
        if self.is_foreign {
            chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot give {} to the user postgres", path.display()))?;
        }
        Ok(())
    }

    /// The user id.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Returns whether this process must change to it.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Returns whether it may enter a directory.
    ///
    /// # Errors
    ///
    /// When the check cannot be run.
    pub async fn can_enter(&self, directory: &Path) -> Result<bool> {
        let status = self
            .command("test")
            .arg("-x")
            .arg(directory)
            .status()
            .await
            .context("cannot run the program test")?;
        Ok(status.success())
    }
}
