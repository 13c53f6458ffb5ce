//! The PostgreSQL server that is backed up: its account, its data directory, and a login that may start a backup.
//! The private cluster of a developer's machine is found in `local::cluster`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config};

use crate::postgresql::{Account, VERSION};

/// A server on this machine.
pub struct Server {
    pub(super) account: Account,
    pub(super) data: PathBuf,
    database_url: String,
}

impl Server {
    /// A server whose account is known.
    pub fn new(account: Account, data: &Path, database_url: String) -> Self {
        Self {
            account,
            data: data.canonicalize().unwrap_or_else(|_| data.to_owned()),
            database_url,
        }
    }

    /// The server with a data directory, and the URL of a superuser.
    ///
    /// # Errors
    ///
    /// When there is no cluster of the right version, or this program cannot act as its owner.
    pub fn at(data: &Path, database_url: String) -> Result<Self> {
        let file = data.join("PG_VERSION");
        let version = std::fs::read_to_string(&file)
            .with_context(|| format!("{} is not a data directory of PostgreSQL", data.display()))?;
        if version.trim() != VERSION {
            bail!(
                "{} is of PostgreSQL {}, this program needs {VERSION}",
                data.display(),
                version.trim()
            );
        }
        Ok(Self {
            account: Account::owner(data)?,
            data: data
                .canonicalize()
                .with_context(|| format!("cannot resolve {}", data.display()))?,
            database_url,
        })
    }

    pub(super) async fn connect(&self) -> Result<Client> {
        let client = database::connect(&self.database_url).await?;
        self.check(&client).await?;
        Ok(client)
    }

    /// Rejects a login that cannot see the data directory, and the URL of another server.
    async fn check(&self, client: &Client) -> Result<()> {
        let row = client
            .query_one("select current_setting('data_directory')", &[])
            .await
            .map_err(database::explain)
            .context("the login must be that of a superuser")?;
        let served: PathBuf = row.get::<_, String>(0).into();
        if served.canonicalize().unwrap_or(served.clone()) != self.data {
            bail!(
                "{} is served from {}, not from {}: give the data directory and the address of the same server",
                database::without_password(&self.database_url),
                served.display(),
                self.data.display()
            );
        }
        Ok(())
    }

    /// The environment variables by which pgBackRest connects to the server. Arguments would show the password to other accounts.
    pub(super) fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let config: Config = self
            .database_url
            .parse()
            .context("the database address cannot be parsed")?;
        let mut variables = Vec::new();
        match config.get_hosts().first() {
            Some(Host::Tcp(host)) => variables.push(("PGHOST", host.into())),
            Some(Host::Unix(path)) => variables.push(("PGHOST", path.into())),
            None => {}
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        variables.push(("PGBACKREST_PG1_PORT", port.to_string().into()));
        if let Some(user) = config.get_user() {
            variables.push(("PGBACKREST_PG1_USER", user.into()));
        }
        if let Some(password) = config.get_password() {
            variables.push((
                "PGPASSWORD",
                String::from_utf8_lossy(password).into_owned().into(),
            ));
        }
        Ok(variables)
    }
}
