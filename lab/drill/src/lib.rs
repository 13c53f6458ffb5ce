//! `lab drill`: serves a temporary cell, writes to it over HTTP, backs it up, damages it, restores it to the moment before and
//! compares every table. Backup and restore themselves are in `operations::backup`.

mod cell;
mod report;
mod table_checksums;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use database::explain;
use local::cluster::{self, Cluster, Durability, Settings};
use local::secrets;
use operations::backup::{self, Access, BackupType, RecoveryTarget, RestoreOptions};
use operations::events;
use operations::progress::step;
use tokio_postgres::Client;
use uuid::Uuid;

use cell::Cell;
pub use report::Report;
use table_checksums::TableChecksums;
use workload::Workload;

/// The options of a drill.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that is created, and removed at the end.
    pub directory: PathBuf,
    /// The cache of compiled components.
    pub cache: PathBuf,
    /// The application.
    pub manifest: PathBuf,
    /// The number of writes before the backup, and again after it.
    pub writes: u32,
}

/// The number of writes between the restored moment and the operator's error.
const WRITES_AFTER_RESTORE_POINT: u32 = 20;

/// The timeout for archiving a WAL segment.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a drill.
///
/// # Errors
///
/// When a write acknowledged before the operator's error is missing afterwards, a later one is restored, or the drill itself fails.
pub async fn run(options: &Options) -> Result<Report> {
    local::manifest::check_built(&options.manifest)?;
    remove(&options.directory).await?;
    let outcome = perform(options).await;
    let removed = remove(&options.directory).await;
    let report = outcome?;
    removed?;
    Ok(report)
}

/// Stops the clusters of an earlier drill and removes its directory.
async fn remove(directory: &Path) -> Result<()> {
    for name in [cell::LIVE, cell::RESTORED] {
        let state = directory.join(name);
        if let Ok(data) = state.join("postgres").canonicalize() {
            cluster::stop(&state).await?;
            // The data directory is elsewhere if the server's account could not enter the state directory.
            let outside = data
                .parent()
                .filter(|parent| !parent.starts_with(directory));
            if let Some(outside) = outside {
                fs::remove_dir_all(outside)
                    .with_context(|| format!("cannot remove {}", outside.display()))?;
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
    let client = database::connect(&cell.database_url).await?;
    let workload = Workload::sign_in(&cell).await?;

    let written = write_and_back_up(&cell, &workload, options.writes).await?;
    let before = TableChecksums::compute(&client).await?;
    let restore_point = now(&client).await?;
    let archive_age = archive_age(&client, restore_point).await?;
    simulate_operator_error(&client, &workload).await?;
    // The server still runs when the error is found, so the rest of its WAL can be archived.
    backup::archive_now(&client, ARCHIVE_TIMEOUT).await?;
    ensure!(
        TableChecksums::compute(&client).await? != before,
        "the simulated error changed nothing, so the drill proves nothing"
    );

    let restoring = step("Restore to the moment before the error");
    let began = Instant::now();
    let state = options.directory.join(cell::RESTORED);
    let restored = restore(&cell, &state, restore_point).await?;
    let recovery_time = began.elapsed();
    restoring.done(&restored.1.backup.label);

    let events = compare(&restored.0.superuser_url(), &before, &written.acknowledged).await?;
    let made = &written.backups;
    let stored = made.iter().map(|made| made.backup.stored_size).sum();
    Ok(Report {
        acknowledged: written.acknowledged.len(),
        tables: before.tables(),
        events,
        recovery_point: (restore_point - written.last_acknowledged_at).as_seconds_f64(),
        archive_age,
        recovery_time,
        copying: restored.1.copy_time,
        replaying: restored.1.replay_time,
        backup_time: written.backup_time,
        database_bytes: made.iter().map(|made| made.backup.size).sum(),
        backup_bytes: stored,
        log_bytes: cell.repository_bytes()?.saturating_sub(stored),
    })
}

/// The writes that were acknowledged, and the backups that were made meanwhile.
struct Written {
    acknowledged: Vec<Uuid>,
    last_acknowledged_at: DateTime<Utc>,
    /// The backup in each repository.
    backups: Vec<backup::NewBackup>,
    backup_time: Duration,
}

/// Writes over HTTP while a full backup is made, and again once it has been made.
async fn write_and_back_up(cell: &Cell, workload: &Workload, writes: u32) -> Result<Written> {
    let writing = step("Writes over HTTP while a full backup is made");
    let access = Access::configured(&cell.definition, &cell.server)?;
    let backing_up = async {
        let began = Instant::now();
        let backups = backup::run(&access, &cell.server, BackupType::Full).await?;
        Ok::<_, anyhow::Error>((backups, began.elapsed()))
    };
    let (first, (backups, backup_time)) = tokio::try_join!(workload.write(writes), backing_up)?;
    // The end of a backup is known to the second, and only later moments can be restored.
    let restorable = backups.iter().map(|made| made.backup.ended_at).max();
    let wait = restorable.map(|ended| ended + TimeDelta::seconds(1) - Utc::now());
    if let Some(Ok(wait)) = wait.map(|wait| wait.to_std()) {
        tokio::time::sleep(wait).await;
    }
    let second = workload.write(writes).await?;
    let acknowledged: Vec<_> = first.ids.into_iter().chain(second.ids).collect();
    writing.done(&format!("{} acknowledged", acknowledged.len()));
    Ok(Written {
        acknowledged,
        last_acknowledged_at: second.last,
        backups,
        backup_time,
    })
}

/// Compares the tables, writes and event chains of the restored database with what they were before, and returns the number of intact
/// events.
async fn compare(
    database_url: &str,
    before: &TableChecksums,
    acknowledged: &[Uuid],
) -> Result<i64> {
    let comparing = step("Comparison of tables, writes and event chains");
    let client = database::connect(database_url).await?;
    let after = TableChecksums::compute(&client).await?;
    if let Some(difference) = before.difference(&after) {
        bail!("after the restore {difference}");
    }
    let found = workload::count_present(&client, acknowledged).await?;
    ensure!(
        found == acknowledged.len(),
        "{} of {} acknowledged writes are lost",
        acknowledged.len() - found,
        acknowledged.len()
    );
    let chains = events::verify::run(database_url, None, None).await?;
    if let Some(broken) = chains.iter().find(|chain| chain.broken.is_some()) {
        bail!("after the restore, {broken}");
    }
    comparing.done(&format!("{} tables are the same", after.tables()));
    Ok(chains.iter().map(|chain| chain.intact).sum())
}

async fn now(client: &Client) -> Result<DateTime<Utc>> {
    let row = client
        .query_one("select clock_timestamp()", &[])
        .await
        .map_err(explain)?;
    Ok(row.get(0))
}

/// Returns the age of the archive's end in seconds, the data that a loss of the machine would cost.
async fn archive_age(client: &Client, now: DateTime<Utc>) -> Result<f64> {
    match backup::archiver(client).await? {
        backup::Archiver::Working {
            last: Some((_, time)),
        } => Ok((now - time).as_seconds_f64()),
        state => bail!("the cell does not archive: {state:?}"),
    }
}

/// Writes more rows and then drops every table, as an operator connected to the wrong database might.
async fn simulate_operator_error(client: &Client, workload: &Workload) -> Result<()> {
    workload.write(WRITES_AFTER_RESTORE_POINT).await?;
    client
        .batch_execute("drop schema lms cascade")
        .await
        .map_err(explain)
        .context("cannot drop the schema")
}

async fn restore(
    cell: &Cell,
    state: &Path,
    restore_point: DateTime<Utc>,
) -> Result<(Cluster, backup::Restored)> {
    let into = cluster::data_directory(state).await?;
    let access = Access::temporary(&cell.definition, &cell.credentials)?;
    let restored = backup::restore(
        &access,
        &RestoreOptions {
            target: RecoveryTarget::Time(restore_point),
            into,
            repository: None,
        },
    )
    .await?;
    // The restored cluster has the passwords of the original one.
    fs::copy(
        cell.state.join(secrets::SECRETS_FILE_NAME),
        state.join(secrets::SECRETS_FILE_NAME),
    )
    .context("cannot copy the secrets")?;
    let cluster = Cluster::start(&Settings {
        directory: state.to_owned(),
        durability: Durability::Safe,
    })
    .await?;
    Ok((cluster, restored))
}
