//! A time limit on a future. The limits themselves are beside the code that uses them.

use std::pin::pin;
use std::time::Duration;

use futures::future::{self, Either};
use spin_sdk::time;

/// Returns the output of the future, or none if the time limit ends first.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    match future::select(pin!(future), pin!(time::sleep(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
