//! `lab drill`: a cell of its own is served, written to over HTTP, backed up, damaged, and restored to the moment before. Everything is
//! compared, and what it cost is measured.

mod cell;
mod census;
mod report;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use database::explain;
use local::cluster::{self, Cluster, Durability, Settings};
use local::secrets;
use operations::backup::{self, Access, Kind, RecoveryTarget, RestoreOptions};
use operations::events;
use operations::progress::step;
use tokio_postgres::Client;

use cell::Cell;
use census::Census;
pub use report::Report;
use workload::Workload;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that is made, and removed at the end.
    pub directory: PathBuf,
    /// Where compiled components are kept.
    pub cache: PathBuf,
    /// The application.
    pub manifest: PathBuf,
    /// How many writes to have acknowledged before the backup, and again after it.
    pub writes: u32,
}

/// How many writes are acknowledged between the time restored to and the mistake.
const WRITES_AFTER: u32 = 20;

/// How long a segment may take into the archive.
const ARCHIVED_WITHIN: Duration = Duration::from_secs(60);

/// Runs a drill.
///
/// # Errors
///
/// When anything that was acknowledged before the mistake is not there afterwards, anything else is, or the drill itself fails.
pub async fn run(options: &Options) -> Result<Report> {
    local::manifest::check_built(&options.manifest)?;
    remove(&options.directory).await?;
    let outcome = perform(options).await;
    let removed = remove(&options.directory).await;
    let report = outcome?;
    removed?;
    Ok(report)
}

/// Stops what runs in the directory of an earlier drill, and removes it.
async fn remove(directory: &Path) -> Result<()> {
    for name in [cell::LIVE, cell::RESTORED] {
        let state = directory.join(name);
        if let Ok(data) = state.join("postgres").canonicalize() {
            cluster::stop(&state).await?;
            // Behind a link, where the server's account could not reach the state directory.
            let around = data
                .parent()
                .filter(|around| !around.starts_with(directory));
            if let Some(around) = around {
                fs::remove_dir_all(around)
                    .with_context(|| format!("cannot remove {}", around.display()))?;
            }
        }
    }
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

async fn perform(options: &Options) -> Result<Report> {
    let cell = Cell::serve(options).await?;
    let client = database::connect(&cell.address).await?;
    let workload = Workload::sign_in(&cell).await?;

    let writing = step("Writes over HTTP while a full backup is made");
    let access = Access::configured(&cell.definition, &cell.server)?;
    let backing_up = async {
        let began = Instant::now();
        let made = backup::run(&access, &cell.server, Kind::Full).await?;
        Ok::<_, anyhow::Error>((made, began.elapsed()))
    };
    let (first, made) = tokio::try_join!(workload.write(options.writes), backing_up)?;
    let (made, backup_time) = made;
    // When a backup ended is known to the second, and only times after that one can be restored to.
    let restorable = made.iter().map(|(_, backup)| backup.ended_at).max();
    let wait = restorable.map(|ended| ended + TimeDelta::seconds(1) - Utc::now());
    if let Some(Ok(wait)) = wait.map(|wait| wait.to_std()) {
        tokio::time::sleep(wait).await;
    }
    let second = workload.write(options.writes).await?;
    let acknowledged: Vec<_> = first.ids.into_iter().chain(second.ids).collect();
    writing.done(&format!("{} acknowledged", acknowledged.len()));

    let census = Census::take(&client).await?;
    let marker = now(&client).await?;
    let archive_age = age_of_archive(&client, marker).await?;
    blunder(&client, &workload).await?;
    // Whoever finds the mistake has a server that still runs, and what it has not archived yet is archived now.
    backup::archive_now(&client, ARCHIVED_WITHIN).await?;
    ensure!(
        Census::take(&client).await? != census,
        "the mistake changed nothing, so the drill shows nothing"
    );

    let restoring = step("Restore to the moment before the mistake");
    let began = Instant::now();
    let state = options.directory.join(cell::RESTORED);
    let restored = restore(&cell, &state, marker).await?;
    let recovery_time = began.elapsed();
    restoring.done(&restored.1.backup.label);

    let comparing = step("Every table, every write and every chain");
    let address = restored.0.superuser_url();
    let client = database::connect(&address).await?;
    let after = Census::take(&client).await?;
    if let Some(difference) = census.difference(&after) {
        bail!("after the restore {difference}");
    }
    let found = workload::present(&client, &acknowledged).await?;
    ensure!(
        found == acknowledged.len(),
        "{} of {} acknowledged writes are lost",
        acknowledged.len() - found,
        acknowledged.len()
    );
    let chains = events::verify::run(&address, None, None).await?;
    if let Some(broken) = chains.iter().find(|chain| chain.broken.is_some()) {
        bail!("after the restore, {broken}");
    }
    comparing.done(&format!("{} tables are the same", after.tables()));

    let stored = made.iter().map(|(_, backup)| backup.stored_size).sum();
    Ok(Report {
        acknowledged: acknowledged.len(),
        tables: after.tables(),
        events: chains.iter().map(|chain| chain.intact).sum(),
        recovery_point: (marker - second.last).as_seconds_f64(),
        archive_age,
        recovery_time,
        copying: restored.1.copy_time,
        replaying: restored.1.replay_time,
        backup_time,
        database_bytes: made.iter().map(|(_, backup)| backup.size).sum(),
        backup_bytes: stored,
        log_bytes: cell.repository_bytes()?.saturating_sub(stored),
    })
}

async fn now(client: &Client) -> Result<DateTime<Utc>> {
    let row = client
        .query_one("select clock_timestamp()", &[])
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// What would be lost if the machine were, seconds: that of the archive's end.
async fn age_of_archive(client: &Client, now: DateTime<Utc>) -> Result<f64> {
    match backup::archiver(client).await? {
        backup::Archiver::Working {
            last: Some((_, time)),
        } => Ok((now - time).as_seconds_f64()),
        state => bail!("the cell does not archive: {state:?}"),
    }
}

/// People go on to write, and somebody means another database: every table is dropped.
async fn blunder(client: &Client, workload: &Workload) -> Result<()> {
    workload.write(WRITES_AFTER).await?;
    client
        .batch_execute("drop schema lms cascade")
        .await
        .map_err(explain)
        .context("the mistake cannot be made")
}

async fn restore(
    cell: &Cell,
    state: &Path,
    marker: DateTime<Utc>,
) -> Result<(Cluster, backup::Restored)> {
    let into = cluster::data_directory(state).await?;
    let access = Access::temporary(&cell.definition, &cell.credentials)?;
    let restored = backup::restore(
        &access,
        &RestoreOptions {
            target: RecoveryTarget::Time(marker),
            into,
            repository: None,
        },
    )
    .await?;
    // The passwords within are those of the cluster that was backed up.
    fs::copy(cell.state.join(secrets::FILE), state.join(secrets::FILE))
        .context("cannot copy the secrets")?;
    let cluster = Cluster::start(&Settings {
        directory: state.to_owned(),
        durability: Durability::Safe,
    })
    .await?;
    Ok((cluster, restored))
}
