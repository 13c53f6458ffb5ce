//! Where the cluster's files lie, and the account that its server runs under.
//! PostgreSQL refuses to run as root, so root hands its files to the system user `postgres`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::statvfs::statvfs;
use nix::unistd::{Gid, Uid, User};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// A new cluster and its first data need this much; less would fail later with a worse message.
const SPACE_NEEDED: u64 = 512 * 1024 * 1024;

/// The system account that runs the server.
#[derive(Clone)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    /// Whether this process has to change to it.
    foreign: bool,
}

impl Account {
    /// Whoever runs this program.
    pub(crate) fn own_account() -> Self {
        Self {
            uid: Uid::effective().as_raw(),
            gid: Gid::effective().as_raw(),
            foreign: false,
        }
    }

    /// `postgres` for root, otherwise whoever runs this program.
    pub(crate) fn find() -> Result<Self> {
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
    pub(crate) fn owner(data: &Path) -> Result<Self> {
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
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if self.foreign {
            command.uid(self.uid).gid(self.gid).env("HOME", "/");
        }
        command
    }

    /// Gives a path to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        if self.foreign {
            chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot give {} to the user postgres", path.display()))?;
        }
        Ok(())
    }

    async fn can_enter(&self, directory: &Path) -> Result<bool> {
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

/// Makes the state directory and returns it as an absolute path.
pub(super) fn prepare_state(directory: &Path, account: &Account) -> Result<PathBuf> {
    // The server's account has to walk through it; what is secret in it is private file by file.
    let mode = if account.foreign { 0o711 } else { 0o700 };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(directory)
        .with_context(|| format!("cannot create the directory {}", directory.display()))?;
    let metadata =
        fs::metadata(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    if account.foreign && metadata.permissions().mode() & 0o001 == 0 {
        fs::set_permissions(directory, fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot change the permissions of {}", directory.display()))?;
    }
    directory
        .canonicalize()
        .with_context(|| format!("cannot resolve {}", directory.display()))
}

/// The data directory that belongs to the state directory `state`; it need not exist yet.
///
/// It is `postgres` inside it. Where the server's account cannot go there (a repository under `/root`
/// or in a private home), that name is a link to a directory under `/var/lib/lms`.
pub(super) async fn data_directory(state: &Path, account: &Account) -> Result<PathBuf> {
    let inside = state.join("postgres");
    match fs::symlink_metadata(&inside) {
        Ok(metadata) if metadata.is_symlink() => {
            let target = fs::read_link(&inside)
                .with_context(|| format!("cannot read the link {}", inside.display()))?;
            make_parent(&target)?;
            Ok(target)
        }
        Ok(_) => {
            if !account.can_enter(state).await? {
                bail!(
                    "the user postgres can no longer reach {}: move the repository back, or let others enter its parent directories (chmod o+x)",
                    inside.display()
                );
            }
            Ok(inside)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if account.can_enter(state).await? {
                return Ok(inside);
            }
            let outside = outside_of(state);
            make_parent(&outside)?;
            symlink(&outside, &inside)
                .with_context(|| format!("cannot create the link {}", inside.display()))?;
            Ok(outside)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", inside.display())),
    }
}

/// Refuses a data directory of another account, whose server we could not control.
pub(super) fn check_owner(data: &Path, account: &Account) -> Result<()> {
    let metadata = fs::metadata(data)
        .with_context(|| format!("cannot read the database cluster {}", data.display()))?;
    if metadata.uid() != account.uid {
        bail!(
            "the database cluster {} belongs to the user number {}, not {}: run this as the same user as the first time, or remove that directory to begin anew",
            data.display(),
            metadata.uid(),
            account.uid
        );
    }
    Ok(())
}

/// Refuses to go on when the disk under `directory` is nearly full.
pub(super) fn check_space(directory: &Path) -> Result<()> {
    let free = free_space(directory)?;
    if free < SPACE_NEEDED {
        return Err(anyhow!(
            "the disk under {} has {} MB free, the database needs {} MB: free some space and try again",
            directory.display(),
            free / 1_048_576,
            SPACE_NEEDED / 1_048_576
        ));
    }
    Ok(())
}

/// Free bytes of the file system under `directory`.
pub(super) fn free_space(directory: &Path) -> Result<u64> {
    let facts = statvfs(directory).with_context(|| {
        format!(
            "cannot ask for the free space under {}",
            directory.display()
        )
    })?;
    Ok(facts
        .blocks_available()
        .saturating_mul(facts.fragment_size()))
}

fn outside_of(state: &Path) -> PathBuf {
    let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
    let name: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Path::new("/var/lib/lms").join(name).join("postgres")
}

fn make_parent(data: &Path) -> Result<()> {
    let parent = data
        .parent()
        .with_context(|| format!("{} has no parent directory", data.display()))?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .with_context(|| format!("cannot create the directory {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_repositories_get_two_directories() {
        let one = outside_of(Path::new("/root/one/.lms"));
        let other = outside_of(Path::new("/root/other/.lms"));
        assert_ne!(one, other);
        assert_eq!(one, outside_of(Path::new("/root/one/.lms")));
        assert!(one.starts_with("/var/lib/lms"));
    }

    #[tokio::test]
    async fn the_data_directory_is_inside_where_it_can_be_reached() {
        let directory = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let account = Account::find().unwrap();
        let state = prepare_state(&directory.path().join("state"), &account).unwrap();
        assert_eq!(
            data_directory(&state, &account).await.unwrap(),
            state.join("postgres")
        );
    }
}
