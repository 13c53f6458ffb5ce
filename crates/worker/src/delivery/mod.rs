//! Handing notifications to their providers: what the database has in its outbox, `lms.notification_deliveries`.
//!
//! A delivery is taken by a short transaction that says until when it is somebody's, sent outside of any transaction, and its
//! outcome is recorded by another. Who breaks off in between has the time run out: it is then sent again, under the same key. So
//! nothing is lost, any number of workers may be at it, and a provider that knows the key drops the double. The three channels are
//! worked side by side, each on a connection of its own: one provider that hangs holds up its own channel alone.

pub(crate) mod endpoint;
mod onesignal;
mod options;
pub(crate) mod outcome;
mod provider;
mod queue;
mod report;
mod resend;
mod twilio;

use std::io::Write;
use std::time::Duration;

use anyhow::{Error, Result};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio_postgres::Client;
use uuid::Uuid;

pub use options::{Email, Options, Providers, Push, Sms};
pub use report::Report;

use outcome::{Outcome, Schedule};
use provider::{Channel, Provider};
use queue::Delivery;

/// How long to wait before the outbox is looked at again.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait when the database is away.
const RETRY: Duration = Duration::from_secs(10);

/// Each attempt lies within three times what the one before lay within, and up to six hours. All ten together take 21 hours at the
/// most: providers remember a key for a day.
const SCHEDULE: Schedule = Schedule {
    waits: &[30, 90, 270, 810, 2430, 7290, 21600, 21600, 21600],
    parts: 0.0..=1.0,
    longest: Duration::from_secs(6 * 3600),
};

/// What is delivered here.
const WHAT: &str = "notifications";

/// How many deliveries of one channel a worker has under way.
const AT_ONCE: i64 = 16;

/// Delivers for ever. A database that is away is asked again.
pub async fn work(address: &str, providers: &Providers) {
    for channel in Channel::ALL {
        if providers.of(channel).is_none() {
            say(&format!(
                "nobody delivers notifications by {}: they wait",
                channel.name()
            ));
        }
    }
    let channels = providers
        .all()
        .map(|(channel, provider)| work_one_channel(address, channel, provider));
    join_all(channels).await;
}

async fn work_one_channel(address: &str, channel: Channel, provider: &dyn Provider) {
    loop {
        let error = match database::connect(address).await {
            Ok(mut client) => work_until_it_fails(&mut client, channel, provider).await,
            Err(error) => error,
        };
        rest(channel.name(), &error).await;
    }
}

/// Says why nothing can be delivered, and waits for that to pass.
pub(crate) async fn rest(what: &str, error: &Error) {
    let seconds = RETRY.as_secs();
    let _ = writeln!(
        std::io::stderr(),
        "worker: {what}: {error:#}; trying again in {seconds} s"
    );
    tokio::time::sleep(RETRY).await;
}

async fn work_until_it_fails(
    client: &mut Client,
    channel: Channel,
    provider: &dyn Provider,
) -> Error {
    loop {
        match deliver_due(client, channel, provider).await {
            Ok(report) => {
                if !report.is_empty() {
                    say(&report.to_string());
                }
            }
            Err(error) => return error,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Nobody may be reading it; that is no reason not to work.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "worker: {line}");
}

/// Delivers everything that is due.
///
/// # Errors
///
/// When the database fails; what was under way is then sent again in time.
pub async fn round(address: &str, providers: &Providers) -> Result<Report> {
    let rounds = providers.all().map(|(channel, provider)| async move {
        let mut client = database::connect(address).await?;
        deliver_due(&mut client, channel, provider).await
    });
    let mut total = Report::new(WHAT);
    for report in join_all(rounds).await {
        total.merge(report?);
    }
    Ok(total)
}

/// Delivers everything that is due by one channel.
async fn deliver_due(
    client: &mut Client,
    channel: Channel,
    provider: &dyn Provider,
) -> Result<Report> {
    let mut report = Report::new(WHAT);
    if channel == Channel::Email {
        queue::answer_resets(client).await?;
    }
    loop {
        let tenants = queue::tenants(client, channel).await?;
        if tenants.is_empty() {
            return Ok(report);
        }
        // A few of each tenant in turn, so that one who has much to say does not keep the others waiting.
        for tenant in tenants {
            let lease = provider.endpoint().longest() * 2;
            let deliveries = queue::take(client, tenant, channel, AT_ONCE, lease).await?;
            deliver(client, tenant, provider, deliveries, &mut report).await?;
        }
    }
}

/// Sends deliveries at the same time, and records each as soon as it is known what became of it.
async fn deliver(
    client: &mut Client,
    tenant: Uuid,
    provider: &dyn Provider,
    deliveries: Vec<Delivery>,
    report: &mut Report,
) -> Result<()> {
    let mut under_way: FuturesUnordered<_> = deliveries
        .iter()
        .map(|delivery| async move {
            let outcome = match &delivery.obstacle {
                Some(obstacle) => Outcome::Never(obstacle.clone()),
                None => provider::send(provider, &delivery.message).await,
            };
            (delivery, outcome)
        })
        .collect();
    while let Some((delivery, outcome)) = under_way.next().await {
        let verdict = outcome.verdict(delivery.attempt, &SCHEDULE);
        queue::record(client, tenant, delivery, provider.name(), &verdict).await?;
        report.add(&verdict);
    }
    Ok(())
}
