//! `lms worker`: runs the background jobs once or until it is stopped. The jobs live in the crate
//! `worker`.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::analytics::{Refreshed, View};
use serde::Serialize;
use telemetry::log::{self, AccessLog, Streams};
use worker::notifications::{self, Providers};
use worker::{DeliveryReport, Intervals, Report, Senders, webhooks};

use super::{database_url, management};
use crate::answer::Outcome;
use crate::arguments;

/// Everything that was done, in its order. What was not begun because of an error is missing.
#[derive(Default, Serialize)]
struct Done {
    round: Option<Report>,
    views: Option<Vec<Refreshed>>,
    notifications: Option<DeliveryReport>,
    webhooks: Option<DeliveryReport>,
}

impl Display for Done {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        lines.extend(self.round.iter().map(ToString::to_string));
        lines.extend(self.views.iter().flatten().map(ToString::to_string));
        lines.extend(self.notifications.iter().map(ToString::to_string));
        lines.extend(self.webhooks.iter().map(ToString::to_string));
        formatter.write_str(&lines.join("\n"))
    }
}

pub(super) async fn execute(state: &Path, arguments: arguments::Worker) -> Result<Outcome> {
    let streams = if arguments.once {
        Streams::StandardError
    } else {
        Streams::Both
    };
    log::start(&arguments.log, streams, AccessLog::Off);
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
        return Ok(Outcome::silent());
    }
    let now = arguments.now.unwrap_or_else(Utc::now);
    let mut done = Done::default();
    let outcome = run_once(&database_url, &senders, now, &mut done).await;
    let has_failures = done.round.as_ref().is_some_and(Report::has_failures);
    Ok(Outcome::answer(done)
        .with_fault(has_failures)
        .interrupted_by(outcome.err()))
}

/// Does everything that is due, and notes what is done, because an error must not hide what was done before it.
async fn run_once(
    database_url: &str,
    senders: &Senders,
    now: DateTime<Utc>,
    done: &mut Done,
) -> Result<()> {
    done.round = Some(worker::run_once(database_url, now).await?);
    done.views = Some(worker::refresh_views(database_url, &View::ALL).await?);
    let notifications = &senders.notifications;
    done.notifications = Some(notifications::run_once(database_url, notifications).await?);
    done.webhooks = Some(webhooks::run_once(database_url, &senders.webhooks, now).await?);
    Ok(())
}
