//! The database or server that a command works on: the given one, or the private cluster of a developer's machine.
//! The private cluster itself lives in `local::cluster`.

use std::path::Path;

use anyhow::{Result, bail};
use operations::backup::Server;

use crate::arguments::Target;
use crate::arguments::backup::ServerOptions;

/// The URL of the given database, or that of the running private cluster.
pub(super) async fn database_url(state: &Path, target: Target) -> Result<String> {
    match target.database_url {
        Some(database_url) => Ok(database_url),
        None => private::database_url(state).await,
    }
}

/// The given server, or the running private cluster.
pub(super) async fn server(state: &Path, options: &ServerOptions) -> Result<Server> {
    match (&options.target.database_url, &options.data_directory) {
        (Some(database_url), Some(data)) => Server::at(data, database_url.clone()),
        (Some(_), None) => bail!(
            "give the data directory of that server with --data-directory: backups are made on the server's own machine"
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

    pub(super) async fn database_url(state: &Path) -> Result<String> {
        let cluster = cluster::running(state).await?.context(
            "no database is given: set DATABASE_URL, or start the local cluster with `lms cluster start`",
        )?;
        Ok(cluster.superuser_url())
    }

    pub(super) async fn server(state: &Path) -> Result<Server> {
        let cluster = cluster::running(state).await?.context(
            "no server is given: give --database-url and --data-directory, or start the local cluster with `lms cluster start`",
        )?;
        Ok(cluster.backup_server())
    }

    /// Restarts the cluster.
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

/// Without the feature `local` there is no private cluster.
#[cfg(not(feature = "local"))]
mod private {
    use std::path::Path;

    use anyhow::{Result, bail};
    use operations::backup::Server;

    pub(super) async fn database_url(_state: &Path) -> Result<String> {
        bail!("no database is given: set DATABASE_URL")
    }

    pub(super) async fn server(_state: &Path) -> Result<Server> {
        bail!("no server is given: give --database-url and --data-directory")
    }

    pub(crate) async fn restart(state: &Path) -> Result<Server> {
        server(state).await
    }
}
