//! Delivering events to webhooks: each sealed event goes into the queues of the webhooks that have subscribed to it, and is posted.
//! The driver that claims and retries lives in `queue`; the API that manages webhooks lives in the component `users`.
//!
//! There are many receivers, which tenants choose and nobody monitors. So one worker serves them all side by side, with a few
//! messages to each at a time.

mod deliveries;
mod fill;
mod message;
mod sender;
mod signature;

use anyhow::Result;
use chrono::{DateTime, Utc};

pub use sender::{Options, Sender};

use crate::queue::{self, DeliveryReport};
use deliveries::Deliveries;

/// Delivers for ever. When the database cannot be reached, it tries again.
pub async fn run(database_url: &str, sender: &Sender) {
    queue::run(database_url, &Deliveries::new(sender)).await;
}

/// Delivers everything that is due at the given time, and what becomes due in the meantime.
///
/// # Errors
///
/// When the database fails. Messages that were in flight are then posted again once their lease has expired.
pub async fn run_once(
    database_url: &str,
    sender: &Sender,
    now: DateTime<Utc>,
) -> Result<DeliveryReport> {
    queue::run_once(database_url, &Deliveries::new(sender), now).await
}
