//! Tests that the schema of the migrations equals the reviewed files, and that the baseline equals
//! the last release's schema with the changes since.
//!
//! `UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- schema` rewrites the files.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use database::cell::{Name, Region, Retention};
use database::migrate::{self, Migration};
use tests::{Application, fault_injection::database_name_and_server, run, schema};
use uuid::Uuid;

use crate::golden::compare;

fn baseline(migrations: &[Migration]) -> Result<&Migration> {
    migrations.first().context("the baseline")
}

#[test]
fn the_tables_of_the_schema_match_the_reviewed_file() {
    run(async |app| {
        let migrations = migrate::embedded()?;
        let client = app.superuser().await?;
        compare(
            "tests/golden/schema.sql",
            &schema::definitions(&client, baseline(&migrations)?).await?,
        )
    });
}

#[test]
fn the_row_policies_of_the_schema_match_the_reviewed_file() {
    run(async |app| {
        let migrations = migrate::embedded()?;
        let client = app.superuser().await?;
        compare(
            "tests/golden/policies.txt",
            &schema::matrix(&client, baseline(&migrations)?).await?,
        )
    });
}

#[test]
fn the_diagrams_of_the_data_model_match_the_schema() {
    run(async |app| {
        let migrations = migrate::embedded()?;
        let client = app.superuser().await?;
        compare(
            "docs/reference/data-model-diagram.md",
            &schema::diagrams(&client, baseline(&migrations)?).await?,
        )
    });
}

#[test]
fn the_last_releases_schema_with_changes_equals_the_baseline() {
    let Some(directory) = tests::previous_release().expect("the previous release is built") else {
        return;
    };
    run(async |app| {
        let release = migrate::read(&directory.join("migrations"))?;
        let embedded = migrate::embedded()?;
        let upgraded = described(app, &[&release, &embedded]).await?;
        let created = described(app, &[&embedded]).await?;
        assert!(created.len() > 500, "{}", created.len());
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            one.difference(other).cloned().collect()
        };
        assert_eq!(
            (only(&upgraded, &created), only(&created, &upgraded)),
            (Vec::new(), Vec::new()),
            "objects that only the upgraded schema has, and objects that only the baseline has"
        );
        Ok(())
    });
}

/// Describes a new database to which these migrations were applied in order.
async fn described(app: &Application, releases: &[&Vec<Migration>]) -> Result<BTreeSet<String>> {
    let (_, server) = database_name_and_server(app).await?;
    let name = format!("test_schema_{}", Uuid::now_v7().simple());
    server
        .batch_execute(&format!("create database {name}"))
        .await?;
    let (address, _) = app.superuser_url.rsplit_once('/').context("an address")?;
    let address = format!("{address}/{name}");
    let described = async {
        let options = migrate::Options {
            cell: Some(Name::first(Region::Eu, Retention::Standard)),
            ..migrate::Options::default()
        };
        for migrations in releases {
            migrate::run(&address, migrations, &options).await?;
        }
        schema::description(&database::connect(&address).await?).await
    }
    .await;
    server
        .batch_execute(&format!("drop database {name} with (force)"))
        .await?;
    described
}
