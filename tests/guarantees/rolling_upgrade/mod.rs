//! Tests that no request fails during a rolling upgrade, with real processes behind a load balancer.

mod client;
mod hosts;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use database::cell::{Name, Region, Retention};
use database::migrate::{self, Migration};
use futures::FutureExt as _;
use local::cluster::{self, Cluster, Durability, Settings};
use local::{demo, installation};
use operations::events;

use self::client::{Client, Tally};
use self::hosts::{Balancer, Host};

/// Creates a database with demo data and the schema of the previous release.
async fn install(cluster: &Cluster, previous: &Path) -> Result<demo::Demo> {
    let address = cluster.superuser_url();
    let secrets = cluster.secrets();
    let earlier = migrate::read(&previous.join("migrations"))?;
    let options = migrate::Options {
        cell: Some(Name::first(Region::Eu, Retention::Standard)),
        dry_run: false,
        passwords: vec![("lms_application", secrets.application_password.clone())],
    };
    migrate::run(&address, &earlier, &options).await?;
    let application = &secrets.application_password;
    let options = demo::Options {
        base_url: "http://127.0.0.1".to_owned(),
        owner_url: database::with_role(&address, "lms_owner")?,
        application_url: database::with_login(&address, "lms_application", application)?,
        password: secrets.demo_password.clone(),
    };
    demo::create(&address, &options).await
}

/// Changes that the next release may contain: they add to the schema and leave the rest unchanged.
fn next_migration() -> Result<Migration> {
    Migration::parse(
        "9000_one_more.sql",
        "set local role lms_owner;
        alter table lms.finance_records add column colour text;
        alter table lms.centres add column colour text not null default 'blue';
        create index idx_centres_colour on lms.centres (tenant_id, colour);",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_a_rolling_upgrade() -> Result<()> {
    let Some(previous) = tests::previous_release()? else {
        return Ok(());
    };
    let directory = hosts::directory()?;
    let state = directory.path().join("state");
    let cluster = Cluster::start(&Settings {
        directory: state.clone(),
        durability: Durability::Unsafe,
    })
    .await?;
    // The server is stopped even if the test panics, because nothing else would stop it.
    let rolled = AssertUnwindSafe(roll_out(&cluster, &previous, directory.path())).catch_unwind();
    let outcome = rolled.await;
    cluster::stop(&state).await?;
    outcome.unwrap_or_else(|panicked| resume_unwind(panicked))
}

async fn roll_out(cluster: &Cluster, previous: &Path, directory: &Path) -> Result<()> {
    let demo = install(cluster, previous).await?;
    let variables = installation::variables(&demo, cluster.secrets(), &[])?;
    let (old, new) = (previous.join("spin.toml"), tests::root().join("spin.toml"));
    let mut hosts = [Host::new(directory, "a")?, Host::new(directory, "b")?];
    for host in &mut hosts {
        host.start(&old, &variables).await?;
    }
    let balancer = Balancer::start(directory, &hosts).await?;
    for host in &hosts {
        balancer.until_up(host).await?;
    }
    let tenant = demo.tenants.first().context("a tenant")?;
    let client = Client::sign_in(&balancer.url, tenant).await?;
    let began = Instant::now();
    let load = tokio::spawn(client.clone().run());

    client.wait_for_requests(400).await?;
    let migrated = Command::new(tests::program())
        .args(["migrate"])
        .env("DATABASE_URL", cluster.superuser_url())
        .output()?;
    ensure!(
        migrated.status.success(),
        "{}",
        String::from_utf8_lossy(&migrated.stderr)
    );
    println!("{}", String::from_utf8_lossy(&migrated.stdout).trim());
    client.wait_for_requests(400).await?;
    for host in &mut hosts {
        host.stop().await?;
        host.start(&new, &variables).await?;
        balancer.until_up(host).await?;
        client.wait_for_requests(400).await?;
    }
    let mut next = migrate::embedded()?;
    next.push(next_migration()?);
    migrate::run(
        &cluster.superuser_url(),
        &next,
        &migrate::Options::default(),
    )
    .await?;
    client.wait_for_requests(400).await?;

    client.stop();
    let tally = load.await??;
    println!(
        "{} requests, {:.0} a second",
        tally.sent,
        tally.rate(began.elapsed())
    );
    assert_eq!(tally.wrong, Vec::<String>::new());
    for host in &mut hosts {
        host.stop().await?;
    }
    assert_written_once(&cluster.superuser_url(), &tally).await
}

/// Asserts that the database has exactly the acknowledged writes, and that the ledger and the event log are valid.
async fn assert_written_once(address: &str, tally: &Tally) -> Result<()> {
    let client = database::connect(address).await?;
    let texts = |sql: &'static str| {
        let client = &client;
        async move {
            let rows = client.query(sql, &[]).await?;
            anyhow::Ok(
                rows.iter()
                    .map(|row| row.get::<_, String>(0))
                    .collect::<Vec<_>>(),
            )
        }
    };
    let payments = texts("select reference from lms.finance_records where reference like 'load-%' order by reference").await?;
    assert_eq!(payments, tally.payments());
    let centres =
        texts("select code || ' ' || name from lms.centres where code like 'load-%' order by code")
            .await?;
    assert_eq!(centres, tally.centres());
    let chains = events::verify::run(address, None, None).await?;
    ensure!(
        chains.iter().all(|chain| chain.broken.is_none()),
        "{chains:?}"
    );
    Ok(())
}
