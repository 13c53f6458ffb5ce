//! Prepares the directories of the private cluster.
//! The account that its server runs under is determined in `operations::postgresql`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use operations::postgresql::{Account, free_space};
use sha2::{Digest, Sha256};

/// The free space that a new cluster needs, in bytes, checked early because PostgreSQL would fail later with a worse message.
const MIN_FREE_BYTES: u64 = 512 * 1024 * 1024;

/// Creates the state directory and returns its absolute path.
pub(super) fn prepare_state(directory: &Path, account: &Account) -> Result<PathBuf> {
    // The server's account must be able to traverse the directory, so secrets in it are protected file by file.
    let mode = if account.is_foreign() { 0o711 } else { 0o700 };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(directory)
        .with_context(|| format!("cannot create the directory {}", directory.display()))?;
    let metadata =
        fs::metadata(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    if account.is_foreign() && metadata.permissions().mode() & 0o001 == 0 {
        fs::set_permissions(directory, fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot change the permissions of {}", directory.display()))?;
    }
    directory
        .canonicalize()
        .with_context(|| format!("cannot resolve {}", directory.display()))
}

/// Returns the data directory of a state directory, which need not exist yet.
///
/// It is `postgres` inside the state directory. If the server's account cannot enter that (a repository under `/root` or in a
/// private home), the name is a link to a directory under `/var/lib/lms`.
pub(super) async fn data_directory(state: &Path, account: &Account) -> Result<PathBuf> {
    let inside = state.join("postgres");
    match fs::symlink_metadata(&inside) {
        Ok(metadata) if metadata.is_symlink() => {
            let target = fs::read_link(&inside)
                .with_context(|| format!("cannot read the link {}", inside.display()))?;
            create_parent(&target)?;
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
            let outside = external_directory(state);
            create_parent(&outside)?;
            symlink(&outside, &inside)
                .with_context(|| format!("cannot create the link {}", inside.display()))?;
            Ok(outside)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", inside.display())),
    }
}

/// Returns an error if the data directory belongs to another account, whose server this program could not control.
pub(super) fn check_owner(data: &Path, account: &Account) -> Result<()> {
    let metadata = fs::metadata(data)
        .with_context(|| format!("cannot read the database cluster {}", data.display()))?;
    if metadata.uid() != account.uid() {
        bail!(
            "the database cluster {} belongs to the user id {}, not {}: run this program as the user that created it, or remove the directory to start over",
            data.display(),
            metadata.uid(),
            account.uid()
        );
    }
    Ok(())
}

/// Returns an error if the disk under `directory` is nearly full.
pub(super) fn check_space(directory: &Path) -> Result<()> {
    let free = free_space(directory)?;
    if free < MIN_FREE_BYTES {
        return Err(anyhow!(
            "the disk under {} has {} MB of free space, but the database needs {} MB: free some space and try again",
            directory.display(),
            free / 1_048_576,
            MIN_FREE_BYTES / 1_048_576
        ));
    }
    Ok(())
}

fn external_directory(state: &Path) -> PathBuf {
    let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
    let name = hex::encode(&digest[..8]);
    Path::new("/var/lib/lms").join(name).join("postgres")
}

fn create_parent(data: &Path) -> Result<()> {
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
    fn two_repositories_have_different_directories() {
        let one = external_directory(Path::new("/root/one/.lms"));
        let other = external_directory(Path::new("/root/other/.lms"));
        assert_ne!(one, other);
        assert_eq!(one, external_directory(Path::new("/root/one/.lms")));
        assert!(one.starts_with("/var/lib/lms"));
    }

    #[tokio::test]
    async fn the_data_directory_is_inside_a_state_directory_that_the_server_can_enter() {
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
