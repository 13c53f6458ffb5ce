//! A PostgreSQL server of a test's own.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use anyhow::Result;
use local::cluster::{self, Cluster, Durability, Settings};
use tempfile::TempDir;

/// A server, and the directory that goes with it.
pub struct Server {
    directory: TempDir,
}

impl Server {
    pub(crate) fn new() -> Result<Server> {
        // The server's account has to get in.
        let directory = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir()?;
        Ok(Server { directory })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Stops it; sessions still open are ended.
    ///
    /// # Errors
    ///
    /// When it goes on.
    pub async fn stop(&self) -> Result<()> {
        cluster::stop(&self.state()).await?;
        Ok(())
    }

    /// Starts it again, on the same port.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn start(&self) -> Result<()> {
        let settings = Settings {
            directory: self.state(),
            durability: Durability::Unsafe,
        };
        Cluster::start(&settings).await?;
        Ok(())
    }

    /// Where its data lies, and its log.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn data(&self) -> Result<PathBuf> {
        Ok(self.state().join("postgres").canonicalize()?)
    }

    /// Writes a file that only the server may read beside its data, and returns where it is.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn keep(&self, name: &str, text: &str) -> Result<PathBuf> {
        let data = self.data()?;
        let (owner, path) = (data.metadata()?, data.join(name));
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        Ok(path)
    }
}
