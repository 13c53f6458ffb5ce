//! Delivering notifications from the outbox, `lms.notification_deliveries`, through their providers.
//! The driver that claims and retries lives in `queue`, the SQL in `outbox`, and each provider's API in a file named after it.
//!
//! The three channels run side by side, each on its own connection, so that a provider that hangs holds up its own channel alone.

mod api_key;
mod channel;
mod endpoint;
mod onesignal;
mod options;
mod outbox;
mod provider;
mod resend;
mod twilio;

use anyhow::Result;
use chrono::Utc;
use futures::future::join_all;

pub use options::{Email, Options, Providers, Push, Sms};

use crate::queue::{self, DeliveryReport};
use channel::Channel;
use outbox::Outbox;

/// Delivers for ever. When the database cannot be reached, it tries again.
pub async fn run(database_url: &str, providers: &Providers) {
    for channel in Channel::ALL {
        if providers.of(channel).is_none() {
            let name = channel.name();
            tracing::info!(
                job = name,
                "no provider delivers such notifications: they wait"
            );
        }
    }
    let channels = providers.all().map(|(channel, provider)| async move {
        queue::run(database_url, &Outbox::new(channel, provider)).await;
    });
    join_all(channels).await;
}

/// Delivers everything that is due.
///
/// # Errors
///
/// When the database fails. Deliveries that were in flight are then sent again once their lease has expired.
pub async fn run_once(database_url: &str, providers: &Providers) -> Result<DeliveryReport> {
    let channels = providers.all().map(|(channel, provider)| async move {
        queue::run_once(database_url, &Outbox::new(channel, provider), Utc::now()).await
    });
    let mut total = DeliveryReport::new(outbox::NOUN);
    for report in join_all(channels).await {
        total.merge(report?);
    }
    Ok(total)
}
