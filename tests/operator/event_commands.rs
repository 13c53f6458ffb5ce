//! Tests the command `lms events`: exit codes and output.

use std::path::Path;

use anyhow::{Context, Result};
use database::cell::{Name, Region, Retention};
use database::{migrate, tenant};
use local::cluster::{self, Cluster, Durability, Settings};
use tests::{queries, run_program};

async fn lms(address: &str, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    run_program(address, &[&["events"], arguments].concat(), "").await
}

#[tokio::test]
async fn wrong_usage_is_reported_before_anything_is_done() -> Result<()> {
    // No server listens on this port.
    let unreachable_url = "postgres://nobody@127.0.0.1:1/lms";
    for (arguments, expected_message) in [
        (&["replay", "--tenant", "a"][..], "--into <SCHEMA>"),
        (
            &[
                "replay",
                "--tenant",
                "a",
                "--into",
                "b",
                "--position",
                "1",
                "--until",
                "2026-01-01T00:00:00Z",
            ],
            "cannot be used with",
        ),
        (
            &["replay", "--tenant", "a", "--into", "b", "--position", "0"],
            "0 is not in 1..",
        ),
        (
            &[
                "replay",
                "--tenant",
                "a",
                "--into",
                "b",
                "--until",
                "yesterday",
            ],
            "invalid value 'yesterday'",
        ),
        (&["verify"], "--tenant <SLUG>"),
        (&["verify", "--all", "--tenant", "a"], "cannot be used with"),
        (&["verify", "--all", "--heads", "x"], "--key <FILE>"),
        (&["heads", "--output", "x"], "--key <FILE>"),
        (
            &[
                "export", "--tenant", "a", "--output", "x", "--format", "xml",
            ],
            "invalid value 'xml'",
        ),
        (
            &[
                "export", "--tenant", "a", "--output", "x", "--format", "xapi",
            ],
            "--home-page <URL>",
        ),
        (
            &[
                "export",
                "--tenant",
                "a",
                "--output",
                "x",
                "--format",
                "ndjson",
                "--after=-1",
            ],
            "-1 is not in 0..",
        ),
    ] {
        let (code, printed, errors) = lms(unreachable_url, arguments).await?;
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(expected_message), "{arguments:?}: {errors}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_is_explained_in_one_line() -> Result<()> {
    let directory = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()?;
    let state = directory.path().join("state");
    let settings = Settings {
        directory: state.clone(),
        durability: Durability::Unsafe,
    };
    let cluster = Cluster::start(&settings).await?;
    let outcome = check(&cluster, directory.path()).await;
    cluster::stop(&state).await?;
    outcome
}

async fn check(cluster: &Cluster, directory: &Path) -> Result<()> {
    let client = database::connect(&cluster.superuser_url()).await?;
    client.batch_execute("create database events").await?;
    let address = database::with_database(&cluster.superuser_url(), "events")?;
    let options = migrate::Options {
        cell: Some(Name::first(Region::Eu, Retention::Standard)),
        ..migrate::Options::default()
    };
    migrate::run(&address, &migrate::embedded()?, &options).await?;
    let mut client = database::connect(&address).await?;
    let new = tenant::New {
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
    };
    tenant::create(&mut client, &new).await?;
    let path = |name: &str| directory.join(name).display().to_string();
    let (key, heads, output) = (path("key"), path("heads"), path("log"));
    let public = format!("{key}.pub");

    let whole = "acme: the chain is intact, events: 1";
    let command_succeeds = async |arguments: &[&str], expected_message: &str| -> Result<()> {
        let (code, printed, errors) = lms(&address, arguments).await?;
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        assert!(
            printed.contains(expected_message),
            "{arguments:?}: {printed}"
        );
        Ok(())
    };
    let command_fails = async |arguments: &[&str], expected_message: &str| -> Result<()> {
        let (code, printed, errors) = lms(&address, arguments).await?;
        assert_eq!(code, Some(1), "{arguments:?}: {printed}");
        let last = errors.lines().last().unwrap_or_default();
        let line = if printed.is_empty() { last } else { &printed };
        assert!(line.contains(expected_message), "{arguments:?}: {line}");
        Ok(())
    };
    command_succeeds(&["verify", "--all"], whole).await?;
    command_succeeds(&["key", "--output", &key], "the private key is in").await?;
    command_fails(&["key", "--output", &key], "File exists").await?;
    command_succeeds(
        &["heads", "--output", &heads, "--key", &key],
        "the heads of 1 tenants",
    )
    .await?;
    command_fails(
        &["heads", "--output", &heads, "--key", &key],
        "already exists",
    )
    .await?;
    command_fails(
        &["heads", "--output", &path("x"), "--key", &public],
        "is not a private Ed25519 key",
    )
    .await?;
    command_succeeds(
        &[
            "verify", "--tenant", "acme", "--heads", &heads, "--key", &public,
        ],
        whole,
    )
    .await?;
    command_fails(
        &["verify", "--all", "--heads", &heads, "--key", &key],
        "is not a public Ed25519 key",
    )
    .await?;
    command_fails(
        &["verify", "--all", "--heads", &public, "--key", &public],
        "the file is not a JSON Web Signature",
    )
    .await?;
    command_fails(
        &["verify", "--tenant", "other"],
        "there is no tenant \"other\"",
    )
    .await?;
    command_succeeds(
        &["replay", "--tenant", "acme", "--into", "then"],
        "1 rows rebuilt",
    )
    .await?;
    command_fails(
        &["replay", "--tenant", "acme", "--into", "then"],
        "the schema then already exists",
    )
    .await?;
    command_fails(
        &[
            "replay",
            "--tenant",
            "acme",
            "--into",
            "x",
            "--position",
            "2",
        ],
        "position 2 is beyond the end",
    )
    .await?;
    command_fails(
        &[
            "replay",
            "--tenant",
            "acme",
            "--into",
            "x",
            "--until",
            "2999-01-01T00:00:00Z",
        ],
        "is in the future",
    )
    .await?;
    command_fails(
        &["replay", "--tenant", "other", "--into", "x"],
        "there is no tenant \"other\"",
    )
    .await?;
    let export = [
        "export", "--tenant", "acme", "--format", "ndjson", "--output", &output,
    ];
    command_succeeds(&export, "parts written: 1").await?;
    command_succeeds(&export, "parts written: 0").await?;
    command_fails(
        &[&export[..], &["--after", "9"]].concat(),
        "position 9 is beyond the end",
    )
    .await?;

    queries::disable_event_triggers(&client).await?;
    client
        .batch_execute("update lms.event_log set actor = lms.new_id()")
        .await
        .context("cannot tamper with the log")?;
    let broken = "broken at position 1: the event differs from the one that was hashed";
    command_fails(&["verify", "--all"], broken).await?;
    command_fails(&["replay", "--tenant", "acme", "--into", "x"], broken).await?;
    command_fails(
        &[
            "export",
            "--tenant",
            "acme",
            "--format",
            "parquet",
            "--output",
            &path("p"),
        ],
        broken,
    )
    .await?;
    let schemas = client
        .query("select from pg_namespace where nspname = 'x'", &[])
        .await?;
    assert!(schemas.is_empty());
    Ok(())
}
