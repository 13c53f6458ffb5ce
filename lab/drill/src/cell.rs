//! Prepares and serves the cell of a drill: a private cluster with demo data that archives into a local repository.
//! The requests to it are sent in `workload`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use local::cluster::{Cluster, Durability, Settings};
use local::demo::Demo;
use local::installation;
use operations::backup::{self, Archiving, CredentialFiles, Credentials, Server};
use operations::cell::Definition;
use operations::private_file::write_private;
use operations::progress::step;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Options;

/// The state directory of the cluster that is written to.
pub(super) const LIVE: &str = "live";

/// That of the cluster that is restored.
pub(super) const RESTORED: &str = "restored";

const CELL_NAME: &str = "eu-standard";

/// A cell that is served until the value is dropped.
pub(super) struct Cell {
    pub(super) state: PathBuf,
    pub(super) database_url: String,
    pub(super) demo: Demo,
    pub(super) definition: Definition,
    pub(super) credentials: Credentials,
    pub(super) server: Server,
    repository: PathBuf,
    _serving: JoinSet<Result<()>>,
}

impl Cell {
    pub(super) async fn serve(options: &Options) -> Result<Self> {
        let state = options.directory.join(LIVE);
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("no port is free on 127.0.0.1")?;
        let installation = installation::prepare(&installation::Options {
            state: state.clone(),
            database_url: None,
            cell: None,
            region_urls: Vec::new(),
            base_url: format!("http://{}", listener.local_addr()?),
            durability: Durability::Safe,
        })
        .await?;
        let cluster = installation
            .cluster
            .context("the installation has no cluster of its own")?;
        let parent = cluster
            .data()
            .parent()
            .context("the data directory has no parent")?;
        let repository = parent.join("repository");
        let (definition, credentials) = define(&options.directory, &repository)?;

        let archiving = step("Archiving");
        let server = configure(&definition, &credentials, &state, &cluster).await?;
        archiving.done("works");

        let (cache, manifest) = (options.cache.clone(), options.manifest.clone());
        let variables = installation.variables;
        let application = tokio::task::spawn_blocking(move || {
            host::Runtime::new(&cache)?.load(&manifest, variables)
        })
        .await
        .context("loading the components was interrupted")??;
        let mut serving = JoinSet::new();
        serving.spawn(application.serve(listener, std::future::pending()));
        Ok(Self {
            database_url: cluster.superuser_url(),
            demo: installation.demo,
            state,
            definition,
            credentials,
            server,
            repository,
            _serving: serving,
        })
    }

    /// Returns the size of the repository's files in bytes.
    pub(super) fn repository_bytes(&self) -> Result<u64> {
        bytes(&self.repository)
            .with_context(|| format!("cannot read {}", self.repository.display()))
    }
}

/// Configures archiving and restarts the server if needed. The port must stay the same, because the application already has it.
async fn configure(
    definition: &Definition,
    credentials: &Credentials,
    state: &Path,
    cluster: &Cluster,
) -> Result<Server> {
    let server = cluster.backup_server();
    if backup::configure(definition, credentials, &server).await? == Archiving::Working {
        return Ok(server);
    }
    cluster.stop().await?;
    let again = Cluster::start(&Settings {
        directory: state.to_owned(),
        durability: Durability::Safe,
    })
    .await?;
    ensure!(
        again.port() == cluster.port(),
        "the cluster's port was taken while it restarted: try again"
    );
    backup::configure(definition, credentials, &server).await?;
    Ok(server)
}

/// Writes the definition of the cell and a random passphrase.
fn define(directory: &Path, repository: &Path) -> Result<(Definition, Credentials)> {
    let text = format!(
        "region = \"eu\"\nretention = \"standard\"\nurl = \"https://eu.lms.example.com\"\n\
        [database]\nhost = \"127.0.0.1\"\nport = 5432\nname = \"lms\"\n\
        [backup]\narchive_timeout = 60\n\
        [[backup.repositories]]\ntype = \"posix\"\npath = {:?}\n",
        repository.display().to_string()
    );
    let file = directory.join(format!("{CELL_NAME}.toml"));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    let passphrase = directory.join("passphrase");
    write_private(&passphrase, &hex::encode(rand::random::<[u8; 32]>()))?;
    let credentials = Credentials::read(&CredentialFiles {
        passphrase,
        s3: None,
    })?;
    Ok((Definition::load(directory, CELL_NAME)?, credentials))
}

fn bytes(directory: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() {
            bytes(&entry.path())?
        } else if metadata.is_file() {
            metadata.len()
        } else {
            0
        };
    }
    Ok(sum)
}
