//! A limit of time on anything that is waited for.

use std::pin::pin;
use std::time::Duration;

use futures::future::{self, Either};
use spin_sdk::time;

/// What comes of it within the time; none, and it is given up, when that is over.
pub(crate) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    match future::select(pin!(what), pin!(time::sleep(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
