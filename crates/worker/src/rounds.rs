//! The worker's rounds, and everything that runs beside them.
//!
//! A class that goes on without end has its occurrences as rows up to a horizon, which moves with time: a round adds those that
//! have come into sight, and what is missing of series with an end. It escalates requests and reminds of loans that are overdue,
//! removes what was deleted long ago, and makes the event log's next months. Each class and each request is a transaction of its own, so
//! that a round may break off anywhere, and any number of workers may be at it at the same time. Beside the rounds it delivers notifications, seals events and tells webhooks of them, within
//! seconds, and refreshes the views that analytics are read from.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::tenant;

use crate::delivery::{self, Providers};
use crate::jobs::{
    Failure, Report, clocks, escalation, extension, partitions, refreshing, reminders, retention,
    seal, sealing,
};
use crate::pace::{Intervals, rest};
use crate::stop::Stop;
use crate::webhooks::{self, Sender};

/// Whom the worker hands over to what is to be delivered.
pub struct Couriers {
    /// Who delivers notifications.
    pub providers: Providers,
    /// Who tells webhooks of events.
    pub sender: Sender,
}

/// Works until it is told to stop.
pub async fn work_until_stopped(
    address: String,
    intervals: Intervals,
    couriers: Couriers,
) -> Result<()> {
    let mut stop = Stop::new()?;
    tokio::select! {
        () = work(address, intervals, couriers) => Ok(()),
        () = stop.received() => Ok(()),
    }
}

/// Goes round, refreshes, delivers and seals for ever. A database that is away is asked again.
pub async fn work(address: String, intervals: Intervals, couriers: Couriers) {
    tokio::join!(
        go_round(&address, intervals.rounds),
        refreshing::work(&address, intervals.refreshes),
        delivery::work(&address, &couriers.providers),
        sealing::work(&address),
        webhooks::work(&address, &couriers.sender)
    );
}

async fn go_round(address: &str, interval: Duration) {
    loop {
        let outcome = round(address, Utc::now()).await.map(|report| {
            if !report.is_empty() {
                delivery::say(&report.to_string());
            }
        });
        tokio::time::sleep(rest("", outcome, interval)).await;
    }
}

/// Does everything that is due at a time.
pub async fn round(address: &str, now: DateTime<Utc>) -> Result<Report> {
    let mut client = database::connect(address).await?;
    let mut report = Report::default();
    let retained = retention::tables(&mut client).await?;
    for (tenant, slug) in tenant::all(&client).await? {
        for class in extension::due(&mut client, tenant, now).await? {
            match extension::extend(&mut client, tenant, class, now).await {
                Ok(Some(extended)) => report.add(&slug, class, extended),
                // Somebody else has been faster.
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
        clocks::look(&mut client, tenant, &slug, now, &mut report).await?;
        escalation::escalate(&mut client, tenant, &slug, now, &mut report).await?;
        report.reminded += reminders::remind(&mut client, tenant, now).await?;
        retention::remove(&mut client, tenant, &slug, &retained, now, &mut report).await?;
    }
    report.months = partitions::make(&mut client, now).await?;
    seal(&mut client).await?;
    Ok(report)
}
