//! One request and its response: for how long somebody waits for it, and the room it takes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::rooms::Room;
use crate::worker::REQUEST_TIMEOUT;

/// What the guest's side and the client's side of an exchange share.
pub(crate) struct Exchange {
    client_gone: Notify,
    room: Mutex<Room>,
    /// How long the guest may take.
    patience: Duration,
}

impl Exchange {
    /// Begins an exchange. It takes its room until neither side is left.
    pub(crate) fn begin(room: Room, patience: Duration) -> (Client, Arc<Self>) {
        let exchange = Arc::new(Self {
            client_gone: Notify::new(),
            room: Mutex::new(room),
            patience,
        });
        (Client(Arc::clone(&exchange)), exchange)
    }

    /// Waits until the client does not wait any more.
    pub(crate) async fn client_gone(&self) {
        self.client_gone.notified().await;
    }

    /// How long the guest may take.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Leaves its room to others, because it takes long; returns whether there is one where it may take long.
    pub(crate) fn make_way(&self) -> bool {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.make_way()
    }
}

/// The client's side. It is dropped when the response was sent, or when the client hangs up.
pub(crate) struct Client(Arc<Exchange>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.client_gone.notify_one();
    }
}

/// The exchanges of one instance.
#[derive(Default)]
pub(crate) struct Exchanges(Vec<Weak<Exchange>>);

impl Exchanges {
    pub(crate) fn add(&mut self, exchange: &Arc<Exchange>) {
        self.0.retain(|other| other.strong_count() > 0);
        self.0.push(Arc::downgrade(exchange));
    }

    /// How long the most patient of those that are left may take.
    pub(crate) fn patience(&self) -> Duration {
        let left = self.0.iter().filter_map(Weak::upgrade);
        let longest = left.map(|exchange| exchange.patience).max();
        longest.unwrap_or(REQUEST_TIMEOUT)
    }

    /// Whether no exchange is left.
    pub(crate) fn are_over(&self) -> bool {
        self.0.iter().all(|exchange| exchange.strong_count() == 0)
    }
}

/// A guest's body on its way to the client.
pub(crate) struct StreamedBody {
    body: WasiBody,
    _client: Client,
}

impl StreamedBody {
    /// A body that is sent as it comes, and whether it has made way to others, for how long that takes is up to its client.
    pub(crate) fn new(body: WasiBody, client: Client) -> (Self, bool) {
        let has_made_way = client.0.make_way();
        let body = Self {
            body,
            _client: client,
        };
        (body, has_made_way)
    }
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::rooms::{Need, Rooms, Shared};

    #[tokio::test(start_paused = true)]
    async fn an_exchange_is_over_when_both_sides_are_gone() -> anyhow::Result<()> {
        let rooms = Rooms::new(1, 0, Shared::new());
        let take = async || {
            let room = rooms.take(Need::Work).await;
            room.map_err(|problem| anyhow::anyhow!("{problem:?}"))
        };
        let mut exchanges = Exchanges::default();
        assert!(exchanges.are_over());

        let (client, guest) = Exchange::begin(take().await?, REQUEST_TIMEOUT);
        exchanges.add(&guest);
        assert!(guest.client_gone().now_or_never().is_none());
        drop(client);
        assert!(guest.client_gone().now_or_never().is_some());
        assert!(!exchanges.are_over());
        assert!(take().await.is_err());

        drop(guest);
        assert!(exchanges.are_over());
        assert!(take().await.is_ok());
        Ok(())
    }
}
