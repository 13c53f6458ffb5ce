//! A message on its way to a webhook.
//! It is claimed in `deliveries` and posted in `sender`.

use tokio_postgres::Row;
use uuid::Uuid;

use super::signature::Secret;
use crate::queue;

/// The request id of the transactions of webhooks in the event log.
pub(super) const REQUEST_ID: &str = "webhooks";

/// A webhook, with its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Webhook {
    pub(super) tenant: Uuid,
    pub(super) id: Uuid,
}

impl Webhook {
    /// Reads a row with the id of the tenant and that of the webhook.
    pub(super) fn read(row: &Row) -> Self {
        Self {
            tenant: row.get(0),
            id: row.get(1),
        }
    }
}

/// A message to a webhook.
pub(super) struct Message {
    /// The event's id, which is the message's.
    pub(super) event: Uuid,
    /// The address of the receiver.
    pub(super) url: String,
    /// The content; none when the event is no longer in the log.
    pub(super) body: Option<String>,
    /// The secrets to sign it with, the current one first.
    pub(super) secrets: Vec<Secret>,
}

/// A delivery of a message.
pub(super) type Delivery = queue::Delivery<Webhook, Message>;
