//! The system account that a PostgreSQL server runs under.
//! PostgreSQL refuses to run as root, so root hands its files to the system user `postgres`.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User};
use tokio::process::Command;

/// The system account that runs the server.
#[derive(Clone)]
pub struct Account {
    uid: u32,
    gid: u32,
    /// Whether this process has to change to it.
    foreign: bool,
}

impl Account {
    /// Whoever runs this program.
    pub fn own_account() -> Self {
        Self {
            uid: Uid::effective().as_raw(),
            gid: Gid::effective().as_raw(),
            foreign: false,
        }
    }

    /// `postgres` for root, otherwise whoever runs this program.
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
            foreign: true,
        })
    }

    /// The owner of a data directory that somebody else made, if this process may act as them.
    pub fn owner(data: &Path) -> Result<Self> {
        let metadata = fs::metadata(data)
            .with_context(|| format!("cannot read the database cluster {}", data.display()))?;
        let own = Self::own_account();
        if metadata.uid() == own.uid {
            return Ok(own);
        }
        if own.uid != 0 {
            bail!(
                "the database cluster {} belongs to the user number {}: run this as that user or as root",
                data.display(),
                metadata.uid()
            );
        }
        Ok(Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
            foreign: true,
        })
    }

    /// A command that runs under this account, from a directory that every account can read.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if self.foreign {
            command.uid(self.uid).gid(self.gid).env("HOME", "/");
        }
        command
    }

    /// Gives a path to this account.
    pub fn own(&self, path: &Path) -> Result<()> {
        if self.foreign {
            chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot give {} to the user postgres", path.display()))?;
        }
        Ok(())
    }

    /// Its number.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Returns whether this process has to change to it.
    pub fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Returns whether it may enter a directory.
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
