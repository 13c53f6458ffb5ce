//! Runs tests that need a PostgreSQL cluster of their own, and creates databases with the schema in it.
//! The cluster that the other tests share is started in `application`.

use std::fs::Permissions;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use database::cell::{Name, Region, Retention};
use database::migrate;
use local::cluster::{self, Cluster, Durability, Settings};

/// Returns the settings of a cluster in this directory that is discarded after the test.
#[must_use]
pub fn settings(directory: &Path) -> Settings {
    Settings {
        directory: directory.to_owned(),
        durability: Durability::Unsafe,
    }
}

/// Runs a test on a new cluster and stops the cluster afterwards.
///
/// # Errors
///
/// When the cluster does not start or stop, or the test fails.
pub async fn with_cluster<F: Future<Output = Result<()>> + Send + 'static>(
    test: impl FnOnce(Cluster, PathBuf) -> F,
) -> Result<()> {
    // The server's account must be able to enter the directory.
    let mode = Permissions::from_mode(0o755);
    let directory = tempfile::Builder::new().permissions(mode).tempdir()?;
    let state = directory.path().join("state");
    let cluster = Cluster::start(&settings(&state)).await?;
    let outcome = tokio::spawn(test(cluster, state.clone())).await;
    cluster::stop(&state).await?;
    outcome?
}

/// Returns the options of a migration that makes a database the first standard cell of the EU.
#[must_use]
pub fn migration() -> migrate::Options {
    migrate::Options {
        cell: Some(Name::first(Region::Eu, Retention::Standard)),
        ..migrate::Options::default()
    }
}

/// Creates a database with this name, applies the migrations, and returns its address.
///
/// # Errors
///
/// When the database exists already, or a migration fails.
pub async fn create_database(cluster: &Cluster, name: &str) -> Result<String> {
    let client = database::connect(&cluster.superuser_url()).await?;
    client
        .batch_execute(&format!("create database {name}"))
        .await?;
    let address = database::with_database(&cluster.superuser_url(), name)?;
    migrate::run(&address, &migrate::embedded()?, &migration()).await?;
    Ok(address)
}

/// Returns the text that a query selects, or an empty text for null.
///
/// # Errors
///
/// When the query fails or does not select one row.
pub async fn fetch_text(address: &str, query: &str) -> Result<String> {
    let client = database::connect(address).await?;
    Ok(client
        .query_one(query, &[])
        .await?
        .get::<_, Option<String>>(0)
        .unwrap_or_default())
}
