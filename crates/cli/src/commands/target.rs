//! The database or server that a command works on: the one that was named, or the private cluster where this program knows one.

use std::path::Path;

use anyhow::{Result, bail};
use operations::backup::Server;

use crate::arguments::Target;
use crate::arguments::backup::Served;

/// The database that was named, or the private cluster's when it runs.
pub(super) async fn address(state: &Path, target: Target) -> Result<String> {
    match target.database_url {
        Some(address) => Ok(address),
        None => private::address(state).await,
    }
}

/// The server that was named, or the private cluster when it runs.
pub(super) async fn server(state: &Path, served: &Served) -> Result<Server> {
    match (&served.target.database_url, &served.data_directory) {
        (Some(address), Some(data)) => Server::at(data, address.clone()),
        (Some(_), None) => bail!(
            "name the data directory of that server with --data-directory: its backups are made on its own machine"
        ),
        (None, _) => private::server(state).await,
    }
}

pub(super) use private::restart;

/// The private cluster of a developer's machine.
#[cfg(feature = "local")]
mod private {
    use std::path::Path;

    use anyhow::{Context, Result};
    use local::cluster::{self, Cluster, Durability, Settings};
    use operations::backup::Server;

    pub(super) async fn address(state: &Path) -> Result<String> {
        let cluster = cluster::running(state).await?.context(
            "which database? Set DATABASE_URL, or start the local cluster with `lms cluster start`",
        )?;
        Ok(cluster.superuser_url())
    }

    pub(super) async fn server(state: &Path) -> Result<Server> {
        let cluster = cluster::running(state).await?.context(
            "which server? Name it with --database-url and --data-directory, or start the local cluster with `lms cluster start`",
        )?;
        Ok(cluster.backup_server())
    }

    /// Stops the cluster and starts it again.
    pub(crate) async fn restart(state: &Path) -> Result<Server> {
        cluster::stop(state).await?;
        let cluster = Cluster::start(&Settings {
            directory: state.to_owned(),
            durability: Durability::Safe,
        })
        .await?;
        Ok(cluster.backup_server())
    }
}

/// There is none where operators work.
#[cfg(not(feature = "local"))]
mod private {
    use std::path::Path;

    use anyhow::{Result, bail};
    use operations::backup::Server;

    pub(super) async fn address(_state: &Path) -> Result<String> {
        bail!("which database? Set DATABASE_URL")
    }

    pub(super) async fn server(_state: &Path) -> Result<Server> {
        bail!("which server? Name it with --database-url and --data-directory")
    }

    pub(crate) async fn restart(state: &Path) -> Result<Server> {
        server(state).await
    }
}
