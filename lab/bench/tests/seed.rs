//! Tests that a seed gives the same rows in every database.

#![allow(missing_docs)]

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bench::seed;
use database::cell::{Name, Region, Retention};
use database::migrate;
use local::cluster::{self, Cluster, Durability, Settings};

fn settings(directory: &Path) -> Settings {
    Settings {
        directory: directory.to_owned(),
        durability: Durability::Unsafe,
    }
}

/// Runs a test on a new cluster and stops the cluster afterwards.
async fn with_cluster<F: Future<Output = Result<()>> + Send + 'static>(
    test: impl FnOnce(Cluster, PathBuf) -> F,
) -> Result<()> {
    // The server's account must be able to enter the directory.
    let mode = fs::Permissions::from_mode(0o755);
    let directory = tempfile::Builder::new().permissions(mode).tempdir()?;
    let state = directory.path().join("state");
    let cluster = Cluster::start(&settings(&state)).await?;
    let outcome = tokio::spawn(test(cluster, state.clone())).await;
    cluster::stop(&state).await?;
    outcome?
}

fn options() -> migrate::Options {
    migrate::Options {
        cell: Some(Name::first(Region::Eu, Retention::Standard)),
        ..migrate::Options::default()
    }
}

/// Creates a database with this name and applies the migrations.
async fn create_database(cluster: &Cluster, name: &str) -> Result<String> {
    let client = database::connect(&cluster.superuser_url()).await?;
    client
        .batch_execute(&format!("create database {name}"))
        .await?;
    let address = database::with_database(&cluster.superuser_url(), name)?;
    migrate::run(&address, &migrate::embedded()?, &options()).await?;
    Ok(address)
}

async fn text(address: &str, query: &str) -> Result<String> {
    let client = database::connect(address).await?;
    Ok(client
        .query_one(query, &[])
        .await?
        .get::<_, Option<String>>(0)
        .unwrap_or_default())
}

#[tokio::test]
async fn a_seed_gives_the_same_rows_in_every_database() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let digest = "select md5(string_agg(concat_ws('|', tenant_id, id, user_id, dob, academic_age, parent_id), ',' order by tenant_id, id)) from lms.students";
        let amount = seed::Options { tenants: 3, students: 50, seed: 7 };
        let one = create_database(&cluster, "one").await?;
        let other = create_database(&cluster, "other").await?;
        assert_eq!(seed::run(&one, &amount).await?, seed::Report { written: 3, kept: 0 });
        assert_eq!(seed::run(&other, &amount).await?, seed::Report { written: 3, kept: 0 });
        assert_eq!(text(&one, digest).await?, text(&other, digest).await?);
        assert_eq!(text(&one, "select count(*)::text from lms.students").await?, "50");
        assert_eq!(seed::run(&one, &amount).await?, seed::Report { written: 0, kept: 3 });
        assert_eq!(text(&one, digest).await?, text(&other, digest).await?);
        Ok(())
    })
    .await
}
