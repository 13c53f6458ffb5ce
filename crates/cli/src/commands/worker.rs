//! `lms worker`: runs the background jobs once or until it is stopped. The jobs live in the crate
//! `worker`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use chrono::Utc;
use database::analytics::View;
use telemetry::log::{self, AccessLog};
use worker::notifications::{self, Providers};
use worker::{Intervals, Senders, webhooks};

use super::analytics::refresh_views;
use super::{database_url, management, print_line};
use crate::arguments;

pub(super) async fn execute(state: &Path, arguments: arguments::Worker) -> Result<ExitCode> {
    log::start(&arguments.log, AccessLog::Off);
    let export = management::start(&arguments.management, "lms-worker").await?;
    let senders = Senders {
        notifications: Providers::new(&arguments.notifications)?,
        webhooks: webhooks::Sender::new(&arguments.webhooks)?,
    };
    let database_url = database_url(state, arguments.target).await?;
    if !arguments.once {
        let intervals = Intervals {
            rounds: Duration::from_secs(arguments.interval.max(1)),
            refreshes: Duration::from_secs(arguments.refresh_interval.max(1)),
            measurements: export.is_measured().then_some(Intervals::MEASUREMENTS),
        };
        worker::run_until_stopped(database_url, intervals, senders).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = arguments.now.unwrap_or_else(Utc::now);
    let report = worker::run_once(&database_url, now).await?;
    print_line(&report)?;
    refresh_views(&database_url, &View::ALL).await?;
    print_line(notifications::run_once(&database_url, &senders.notifications).await?)?;
    print_line(webhooks::run_once(&database_url, &senders.webhooks, now).await?)?;
    Ok(if report.has_failures() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
