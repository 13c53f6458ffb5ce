//! Runs the previous release's components next to this release's, on databases created with its schema.
//! `scripts/previous-release.sh` builds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use database::cell::{Name, Region, Retention};
use database::migrate;
use local::cluster::Durability;
use local::demo::Demo;
use local::installation::Installation;
use uuid::Uuid;

use crate::{
    Application,
    application::{INSTALLATION, RUNTIME, install, root, serve, state, with_database},
    logs_of_test::LogsOfTest,
};

/// Three applications with the same demo data, created with the previous release's schema.
pub struct Releases<'a> {
    /// The previous release on its own schema.
    pub old_on_old_schema: &'a Application,
    /// The previous release on this release's schema.
    pub old_on_new_schema: &'a Application,
    /// This release, on the same database as `old_on_new_schema`.
    pub new: &'a Application,
}

/// Runs a test on both releases. In a shallow clone without the previous release's commit it runs nothing and says so on
/// standard error.
///
/// # Panics
///
/// When the test, its applications or the build of the previous release fails.
pub fn run_with_previous_release(test: impl AsyncFnOnce(Releases<'_>) -> Result<()>) {
    let Some(directory) = previous_release().expect("the previous release is built") else {
        return;
    };
    RUNTIME.block_on(async {
        let installation = INSTALLATION
            .get_or_try_init(|| install(state(), Durability::Unsafe))
            .await
            .expect("an installation");
        let server = with_database(&installation.demo.database.superuser_url, "postgres");
        let names =
            ["before", "upgraded"].map(|name| format!("test_{name}_{}", Uuid::now_v7().simple()));
        let outcome = run_on_databases(installation, &directory, &names, &server, test).await;
        if let Ok(client) = database::connect(&server).await {
            for name in &names {
                let drop = format!("drop database if exists {name} with (force)");
                let _ = client.batch_execute(&drop).await;
            }
        }
        if let Err(error) = outcome {
            panic!("{error:?}");
        }
    });
}

/// Builds the previous release and returns its directory, or none in a shallow clone without its commit.
///
/// # Errors
///
/// When it cannot be built.
pub fn previous_release() -> Result<Option<PathBuf>> {
    let output = Command::new(root().join("scripts/previous-release.sh"))
        .output()
        .context("scripts/previous-release.sh can't be run")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        eprintln!("{errors}");
        return Ok(None);
    }
    ensure!(output.status.success(), "{errors}");
    Ok(Some(PathBuf::from(
        String::from_utf8(output.stdout)?.trim(),
    )))
}

async fn run_on_databases(
    installation: &Installation,
    directory: &Path,
    names: &[String; 2],
    server: &str,
    test: impl AsyncFnOnce(Releases<'_>) -> Result<()>,
) -> Result<()> {
    let client = database::connect(server).await?;
    let logs = LogsOfTest::begin(&client, &installation.demo).await?;
    let sent = logs.sent();
    let [before, upgraded] = names.each_ref().map(|name| with_database(server, name));
    let all = migrate::embedded()?;
    client
        .batch_execute(&format!("create database {}", names[0]))
        .await?;
    let options = migrate::Options {
        cell: Some(Name::first(Region::Eu, Retention::Standard)),
        ..migrate::Options::default()
    };
    let earlier = migrate::read(&directory.join("migrations"))?;
    migrate::run(&before, &earlier, &options).await?;
    let demo = create_demo(installation, &before, &names[0]).await?;
    // PostgreSQL cannot copy a database that has connections.
    client
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
            &[&names[0]],
        )
        .await?;
    client
        .batch_execute(&format!(
            "create database {} template {}",
            names[1], names[0]
        ))
        .await?;
    migrate::run(&upgraded, &all, &migrate::Options::default()).await?;
    let upgraded = Demo {
        database: local::demo::Database {
            superuser_url: upgraded,
            application_url: with_database(&demo.database.application_url, &names[1]),
            ..demo.database.clone()
        },
        ..demo.clone()
    };
    let (old_manifest, new_manifest) = (directory.join("spin.toml"), root().join("spin.toml"));
    let of = |demo: &Demo| variables(installation, demo);
    let result = serve(
        &old_manifest,
        demo.clone(),
        of(&demo),
        sent,
        async |old_on_old_schema| {
            Box::pin(serve(
                &old_manifest,
                upgraded.clone(),
                of(&upgraded),
                sent,
                async |old_on_new_schema| {
                    Box::pin(serve(
                        &new_manifest,
                        upgraded.clone(),
                        of(&upgraded),
                        sent,
                        async |new| {
                            test(Releases {
                                old_on_old_schema,
                                old_on_new_schema,
                                new,
                            })
                            .await
                        },
                    ))
                    .await
                },
            ))
            .await
        },
    )
    .await;
    logs.end_with_previous_release(result)
}

/// Creates demo data with the password and the roles of the tests' cluster.
async fn create_demo(installation: &Installation, address: &str, name: &str) -> Result<Demo> {
    let database = &installation.demo.database;
    let first = installation.demo.tenants.first();
    let user = first.and_then(|tenant| tenant.users.first());
    local::demo::create(
        address,
        &local::demo::Options {
            base_url: installation.demo.base_url.clone(),
            owner_url: with_database(&database.owner_url, name),
            application_url: with_database(&database.application_url, name),
            password: user.context("a demo user")?.password.clone(),
        },
    )
    .await
}

fn variables(installation: &Installation, demo: &Demo) -> BTreeMap<String, String> {
    let mut variables = installation.variables.clone();
    variables.insert(
        "database_url".to_owned(),
        demo.database.application_url.clone(),
    );
    variables
}
