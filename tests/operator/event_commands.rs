//! Tests the command `lms events`: exit codes and output.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result};
use database::cell::{Name, Region, Retention};
use database::{migrate, tenant};
use local::cluster::{self, Cluster, Durability, Settings};
use tokio::process::Command;

async fn lms(address: &str, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(tests::program())
        .args(["events"])
        .args(arguments)
        .env("DATABASE_URL", address)
        .output()
        .await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

#[tokio::test]
async fn wrong_usage_is_reported_before_anything_is_done() -> Result<()> {
    // No server listens on this port.
    let nowhere = "postgres://nobody@127.0.0.1:1/lms";
    for (arguments, told) in [
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
        let (code, printed, errors) = lms(nowhere, arguments).await?;
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(told), "{arguments:?}: {errors}");
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

    let whole = "acme: 1 events, the chain is intact";
    let done = async |arguments: &[&str], told: &str| -> Result<()> {
        let (code, printed, errors) = lms(&address, arguments).await?;
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        assert!(printed.contains(told), "{arguments:?}: {printed}");
        Ok(())
    };
    let failed = async |arguments: &[&str], told: &str| -> Result<()> {
        let (code, printed, errors) = lms(&address, arguments).await?;
        assert_eq!(code, Some(1), "{arguments:?}: {printed}");
        let last = errors.lines().last().unwrap_or_default();
        let line = if printed.is_empty() { last } else { &printed };
        assert!(line.contains(told), "{arguments:?}: {line}");
        Ok(())
    };
    done(&["verify", "--all"], whole).await?;
    done(&["key", "--output", &key], "the private key is in").await?;
    failed(&["key", "--output", &key], "File exists").await?;
    done(
        &["heads", "--output", &heads, "--key", &key],
        "the heads of 1 tenants",
    )
    .await?;
    failed(
        &["heads", "--output", &heads, "--key", &key],
        "already exists",
    )
    .await?;
    failed(
        &["heads", "--output", &path("x"), "--key", &public],
        "is not a private Ed25519 key",
    )
    .await?;
    done(
        &[
            "verify", "--tenant", "acme", "--heads", &heads, "--key", &public,
        ],
        whole,
    )
    .await?;
    failed(
        &["verify", "--all", "--heads", &heads, "--key", &key],
        "is not a public Ed25519 key",
    )
    .await?;
    failed(
        &["verify", "--all", "--heads", &public, "--key", &public],
        "the file is not a JSON Web Signature",
    )
    .await?;
    failed(
        &["verify", "--tenant", "other"],
        "there is no tenant \"other\"",
    )
    .await?;
    done(
        &["replay", "--tenant", "acme", "--into", "then"],
        "1 rows rebuilt",
    )
    .await?;
    failed(
        &["replay", "--tenant", "acme", "--into", "then"],
        "the schema then already exists",
    )
    .await?;
    failed(
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
    failed(
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
    failed(
        &["replay", "--tenant", "other", "--into", "x"],
        "there is no tenant \"other\"",
    )
    .await?;
    let export = [
        "export", "--tenant", "acme", "--format", "ndjson", "--output", &output,
    ];
    done(&export, "1 parts written").await?;
    done(&export, "0 parts written").await?;
    failed(
        &[&export[..], &["--after", "9"]].concat(),
        "position 9 is beyond the end",
    )
    .await?;

    client
        .batch_execute(
            "alter table lms.event_log disable trigger all;
            do $$ declare p regclass; begin
              for p in select inhrelid from pg_inherits where inhparent = 'lms.event_log'::regclass loop
                execute format('alter table %s disable trigger all', p);
              end loop;
            end $$;
            update lms.event_log set actor = lms.new_id()",
        )
        .await
        .context("cannot tamper with the log")?;
    let broken = "broken at position 1: the event differs from the one that was hashed";
    failed(&["verify", "--all"], broken).await?;
    failed(&["replay", "--tenant", "acme", "--into", "x"], broken).await?;
    failed(
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
    let left = client
        .query("select from pg_namespace where nspname = 'x'", &[])
        .await?;
    assert!(left.is_empty());
    Ok(())
}
