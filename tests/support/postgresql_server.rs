//! Starts and stops the PostgreSQL server of a single test.
//! The server that the other tests share is prepared in `application`.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use anyhow::Result;
use local::cluster::{self, Cluster, Durability, Settings};
use tempfile::TempDir;

/// A server with its state directory.
pub struct Server {
    directory: TempDir,
    durability: Durability,
}

impl Server {
    pub(crate) fn new(durability: Durability) -> Result<Server> {
        // The server's account must be able to enter the directory.
        let directory = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir()?;
        Ok(Server {
            directory,
            durability,
        })
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Stops the server and ends its open sessions.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&self) -> Result<()> {
        cluster::stop(&self.state()).await?;
        Ok(())
    }

    /// Starts the server again on the same port.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn start(&self) -> Result<()> {
        let settings = Settings {
            directory: self.state(),
            durability: self.durability,
        };
        Cluster::start(&settings).await?;
        Ok(())
    }

    /// Returns the data directory, which also has the server's log.
    ///
    /// # Errors
    ///
    /// When the server was never started.
    pub fn data(&self) -> Result<PathBuf> {
        Ok(self.state().join("postgres").canonicalize()?)
    }

    /// Writes a file that only the server may read into the data directory, and returns its path.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn write_private_file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let data = self.data()?;
        let (owner, path) = (data.metadata()?, data.join(name));
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        Ok(path)
    }
}
