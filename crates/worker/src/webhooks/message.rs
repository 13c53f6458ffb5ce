//! A message on its way to a webhook, and the answer to it.
//! The queue that it is taken from lives in `queue`; posting it lives in `receiver`.

use reqwest::StatusCode;
use tokio_postgres::Row;
use uuid::Uuid;

use super::signature::Secret;
use crate::delivery::outcome::Outcome;

/// A webhook, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Webhook {
    pub(super) tenant: Uuid,
    pub(super) id: Uuid,
}

impl Webhook {
    /// From a row of its tenant and its id.
    pub(super) fn read(row: &Row) -> Self {
        Self {
            tenant: row.get(0),
            id: row.get(1),
        }
    }
}

/// A delivery that this worker has for a while.
pub(super) struct Delivery {
    pub(super) webhook: Webhook,
    pub(super) id: Uuid,
    /// The number of this attempt, from 1.
    pub(super) attempt: i32,
    /// The event's id, which is the message's.
    pub(super) event: Uuid,
    /// Where to post it.
    pub(super) url: String,
    /// What to post; nothing when the event is gone.
    pub(super) body: Option<String>,
    /// What to sign it with, the present one first.
    pub(super) secrets: Vec<Secret>,
}

/// What came of posting.
pub(super) struct Answer {
    /// The status; none when there was no answer.
    pub(super) status: Option<u16>,
    /// What that means.
    pub(super) outcome: Outcome,
}

impl Answer {
    /// Whether the receiver wants to be told of nothing any more.
    pub(super) fn is_farewell(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }

    pub(super) fn none(reason: &str) -> Self {
        Self {
            status: None,
            outcome: Outcome::later(reason.to_owned()),
        }
    }
}
