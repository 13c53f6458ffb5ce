//! The worker's hourly round over all tenants, and everything that runs beside it.
//! The steps of a round live in `jobs`, one file each.
//!
//! A class without an end has its occurrences as rows up to a horizon, which moves with time: a round adds those that have come
//! within it, and the missing ones of series with an end. It escalates overdue requests, reminds of overdue loans, removes for
//! good what was deleted long ago, and creates the next partitions of the event log. Each class and each request is a
//! transaction of its own, so that a round may be interrupted anywhere and any number of workers may run side by side. Beside the
//! rounds, the worker delivers notifications and webhook messages and seals events, all within seconds, and refreshes the views
//! behind the analytics. Where its metrics are read, it also measures the state of the cell.

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::tenant;

use crate::cell_state;
use crate::jobs::{
    Failure, Report, analytics, changed_zones, escalation, extension, partitions, reminders,
    retention, seal, sealing,
};
use crate::metrics::JobMetrics;
use crate::notifications::{self, Providers};
use crate::periodic::{Intervals, run_periodically};
use crate::stop::Stop;
use crate::traces;
use crate::webhooks::{self, Sender};

/// The name of the job that does what is due every hour.
const ROUND: &str = "round";

/// The senders through which the worker delivers.
pub struct Senders {
    /// The providers that deliver notifications.
    pub notifications: Providers,
    /// The sender of webhook messages.
    pub webhooks: Sender,
}

/// Runs until the program is asked to stop.
///
/// # Errors
///
/// When the signals cannot be listened for.
pub async fn run_until_stopped(
    database_url: String,
    intervals: Intervals,
    senders: Senders,
) -> Result<()> {
    let mut stop = Stop::new()?;
    tokio::select! {
        () = run(database_url, intervals, senders) => Ok(()),
        () = stop.received() => Ok(()),
    }
}

/// Runs all jobs for ever. When the database cannot be reached, each job tries again.
pub async fn run(database_url: String, intervals: Intervals, senders: Senders) {
    let metrics = JobMetrics::new(ROUND);
    tokio::join!(
        run_periodically(&metrics, intervals.rounds, || {
            metrics.measure(log_round(&database_url))
        }),
        analytics::run(&database_url, intervals.refreshes),
        notifications::run(&database_url, &senders.notifications),
        sealing::run(&database_url),
        webhooks::run(&database_url, &senders.webhooks),
        async {
            if let Some(interval) = intervals.measurements {
                cell_state::run(&database_url, interval).await;
            }
        }
    );
}

async fn log_round(database_url: &str) -> Result<()> {
    let report = round(database_url, Utc::now()).await?;
    if !report.is_empty() {
        // Each line of the report is an event of its own.
        for line in report.to_string().lines() {
            let trace_id = traces::trace_id();
            tracing::info!(job = ROUND, trace_id, "{}", line.trim_start());
        }
    }
    Ok(())
}

/// Does everything that is due at the given time, as one execution of the job.
///
/// # Errors
///
/// When the database fails. The failure of a single class or request is in the report instead.
pub async fn run_once(database_url: &str, now: DateTime<Utc>) -> Result<Report> {
    JobMetrics::new(ROUND)
        .measure(round(database_url, now))
        .await
}

async fn round(database_url: &str, now: DateTime<Utc>) -> Result<Report> {
    let mut client = database::connect(database_url).await?;
    let mut report = Report::default();
    let retained = retention::tables(&mut client).await?;
    for (tenant, slug) in tenant::all(&client).await? {
        for class in extension::due(&mut client, tenant, now).await? {
            match extension::extend(&mut client, tenant, class, now).await {
                Ok(Some(extended)) => report.add(&slug, class, extended),
                // Another worker has extended the class in the meantime.
                Ok(None) => {}
                Err(error) if client.is_closed() => return Err(error),
                Err(error) => report.failed.push(Failure {
                    tenant: slug.clone(),
                    what: "class",
                    id: class,
                    reason: format!("not extended: {error:#}"),
                }),
            }
        }
        changed_zones::find(&mut client, tenant, &slug, now, &mut report).await?;
        escalation::escalate(&mut client, tenant, &slug, now, &mut report).await?;
        report.reminded += reminders::remind(&mut client, tenant, now).await?;
        retention::remove(&mut client, tenant, &slug, &retained, now, &mut report).await?;
    }
    report.partitions = partitions::create(&mut client, now).await?;
    seal(&mut client).await?;
    Ok(report)
}
