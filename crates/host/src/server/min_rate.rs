//! The minimum transfer rate of a client: a timeout that grows with the bytes that the client has
//! sent or read. This module applies it to request bodies, `min_rate_stream` to responses.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::time::{Instant, Sleep};

/// A minimum transfer rate. Only the time in which the host waits for the client counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MinRate {
    /// The time that each client has at first.
    initial_timeout: Duration,
    /// The bytes that extend the timeout by a second.
    bytes_per_second: u64,
    /// The limit up to which the timeout grows.
    pub(crate) max_timeout: Duration,
}

impl MinRate {
    /// For a request body that is buffered before its request is admitted.
    pub(crate) const BUFFERED_BODY: Self = Self {
        initial_timeout: Duration::from_secs(10),
        bytes_per_second: 1 << 10,
        max_timeout: Duration::from_secs(60),
    };

    /// For a buffered request body that is so large that it counts against the memory budget.
    pub(crate) const LARGE_BUFFERED_BODY: Self = Self {
        initial_timeout: Duration::from_secs(10),
        bytes_per_second: 8 << 10,
        max_timeout: Duration::from_secs(120),
    };

    /// For a request body that a component reads as it arrives, while its request holds a permit.
    pub(crate) const STREAMED_BODY: Self = Self {
        initial_timeout: Duration::from_secs(10),
        bytes_per_second: 64 << 10,
        max_timeout: Duration::from_secs(600),
    };

    /// For a response.
    pub(crate) const RESPONSE: Self = Self {
        initial_timeout: Duration::from_secs(20),
        bytes_per_second: 8 << 10,
        max_timeout: Duration::from_secs(600),
    };

    /// The time that a client has in all after so many bytes.
    fn timeout(&self, transferred: u64) -> Duration {
        let earned = Duration::from_secs(transferred / self.bytes_per_second);
        self.max_timeout
            .min(self.initial_timeout.saturating_add(earned))
    }
}

/// Measures a transfer: its bytes, and the time in which the host waited for the client.
pub(crate) struct TransferTimer {
    min_rate: MinRate,
    transferred: u64,
    waited: Duration,
    /// The start of the current wait.
    waiting_since: Option<Instant>,
    /// Created at the first wait: most transfers need none.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TransferTimer {
    pub(crate) fn new(min_rate: MinRate) -> Self {
        Self {
            min_rate,
            transferred: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            sleep: None,
        }
    }

    /// Ready once the client has exceeded its timeout. The caller polls this while it waits for the
    /// client.
    pub(crate) fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let timeout = self.min_rate.timeout(self.transferred);
        let deadline = since + timeout.saturating_sub(self.waited);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }

    /// Ends the current wait.
    pub(crate) fn pause(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }

    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.transferred += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Returns whether there has been a wait.
    pub(crate) fn has_waited(&self) -> bool {
        self.waited > Duration::ZERO
    }

    /// Starts the measurement again from zero.
    pub(crate) fn reset(&mut self) {
        (self.transferred, self.waited) = (0, Duration::ZERO);
    }
}

/// The reason why the rest of a body cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError<E> {
    /// The client sends too slowly.
    Timeout,
    /// The connection failed.
    Connection(E),
}

/// A request body that fails if its client sends too slowly.
pub(crate) struct MinRateBody<B> {
    body: B,
    timer: TransferTimer,
}

impl<B> MinRateBody<B> {
    pub(crate) fn new(body: B, min_rate: MinRate) -> Self {
        Self {
            body,
            timer: TransferTimer::new(min_rate),
        }
    }

    /// Changes the minimum rate, including for what was read before.
    pub(crate) fn set_min_rate(&mut self, min_rate: MinRate) {
        self.timer.min_rate = min_rate;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for MinRateBody<B> {
    type Data = Bytes;
    type Error = ReadError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.timer.poll_timeout(context));
            return Poll::Ready(Some(Err(ReadError::Timeout)));
        };
        self.timer.pause();
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(ReadError::Connection)?;
            self.timer.add_bytes(frame.data_ref().map_or(0, Bytes::len));
            Ok(frame)
        }))
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
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    /// Reads a body of which a chunk arrives each second. Returns the seconds after which it timed
    /// out, or none if it was read to its end.
    async fn timed_out_after(chunks: usize, size: usize, min_rate: MinRate) -> Option<u64> {
        let start = Instant::now();
        let chunks = stream::iter(0..chunks).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; size])))
        });
        let mut body = MinRateBody::new(StreamBody::new(Box::pin(chunks)), min_rate);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => {}
                Err(ReadError::Timeout) => return Some(start.elapsed().as_secs()),
                Err(ReadError::Connection(never)) => match never {},
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_minimum_rate_times_out() {
        const BUFFERED: MinRate = MinRate::BUFFERED_BODY;
        const STREAMED: MinRate = MinRate::STREAMED_BODY;
        assert_eq!(timed_out_after(9, 1, BUFFERED).await, None);
        assert_eq!(timed_out_after(100, 1, BUFFERED).await, Some(10));
        assert_eq!(timed_out_after(100, 512, BUFFERED).await, Some(19));
        assert_eq!(timed_out_after(59, 1 << 10, BUFFERED).await, None);
        assert_eq!(timed_out_after(100, 1 << 20, BUFFERED).await, Some(60));
        assert_eq!(timed_out_after(100, 1 << 10, STREAMED).await, Some(10));
        assert_eq!(timed_out_after(300, 64 << 10, STREAMED).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_the_host_does_not_read_does_not_count() {
        let chunks = stream::iter((0..5).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::new()))));
        let mut body = MinRateBody::new(StreamBody::new(chunks), MinRate::BUFFERED_BODY);
        while let Some(frame) = body.frame().await {
            assert!(frame.is_ok());
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
}
