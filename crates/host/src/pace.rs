//! How slowly a client may send or read a body: a time to begin with, and more of it for each piece
//! that has come or gone.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::time::{Instant, Sleep};

/// A least rate. Only the time in which the client was waited for counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The time that every client may take.
    grace: Duration,
    /// Bytes that are good for one more second.
    rate: u64,
    /// The longest time that any client may take.
    pub(crate) most: Duration,
}

impl Pace {
    /// Of a body that is taken in before anything of a component is waited for.
    pub(crate) const SHORT: Self = Self {
        grace: Duration::from_secs(10),
        rate: 1 << 10,
        most: Duration::from_secs(60),
    };

    /// The same of one that is so large that its memory is counted.
    pub(crate) const COUNTED: Self = Self {
        grace: Duration::from_secs(10),
        rate: 8 << 10,
        most: Duration::from_secs(120),
    };

    /// Of a body that a component reads as it comes, while it takes one of a few places.
    pub(crate) const LONG: Self = Self {
        grace: Duration::from_secs(10),
        rate: 64 << 10,
        most: Duration::from_secs(600),
    };

    /// Of an answer that is being sent.
    pub(crate) const ANSWER: Self = Self {
        grace: Duration::from_secs(20),
        rate: 8 << 10,
        most: Duration::from_secs(600),
    };

    /// The time that a client may have been waited for after so many bytes.
    fn allows(&self, taken: u64) -> Duration {
        let earned = Duration::from_secs(taken / self.rate);
        self.most.min(self.grace.saturating_add(earned))
    }
}

/// A client that has to keep a pace: how much it has moved, and for how long it was waited for.
pub(crate) struct Stopwatch {
    pace: Pace,
    moved: u64,
    waited: Duration,
    /// Since when the client has been waited for.
    since: Option<Instant>,
    /// Made when the client is waited for the first time: most bodies are there, or gone, at once.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stopwatch {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            moved: 0,
            waited: Duration::ZERO,
            since: None,
            timer: None,
        }
    }

    /// Ready once the client has used up its time; to be called while it is waited for.
    pub(crate) fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = self.pace.allows(self.moved).saturating_sub(self.waited);
        let deadline = since + left;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }

    /// The client is not waited for any more.
    pub(crate) fn stop(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Adds bytes that the client has moved.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.moved += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Returns whether the client has been waited for by now.
    pub(crate) fn has_waited(&self) -> bool {
        self.waited > Duration::ZERO
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        (self.moved, self.waited) = (0, Duration::ZERO);
    }
}

/// Why a body gave no more.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// It came too slowly.
    Slow,
    /// The connection failed.
    Off(E),
}

/// A body that has to keep a pace.
pub(crate) struct Paced<B> {
    body: B,
    stopwatch: Stopwatch,
}

impl<B> Paced<B> {
    pub(crate) fn new(body: B, pace: Pace) -> Self {
        Self {
            body,
            stopwatch: Stopwatch::new(pace),
        }
    }

    /// Has it keep another pace from now on.
    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.stopwatch.pace = pace;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = Broken<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.stopwatch.poll_late(context));
            return Poll::Ready(Some(Err(Broken::Slow)));
        };
        self.stopwatch.stop();
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Broken::Off)?;
            self.stopwatch.count(frame.data_ref().map_or(0, Bytes::len));
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

    /// Reads a body of which a piece of the size comes each second, and says after how many seconds
    /// it was cut off; none when it came to its end.
    async fn cut_off(pieces: usize, size: usize, pace: Pace) -> Option<u64> {
        let begun = Instant::now();
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; size])))
        });
        let mut body = Paced::new(StreamBody::new(Box::pin(pieces)), pace);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => {}
                Err(Broken::Slow) => return Some(begun.elapsed().as_secs()),
                Err(Broken::Off(never)) => match never {},
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_pace_is_read_to_the_end_and_who_does_not_is_cut_off() {
        assert_eq!(cut_off(9, 1, Pace::SHORT).await, None);
        assert_eq!(cut_off(100, 1, Pace::SHORT).await, Some(10));
        assert_eq!(cut_off(100, 512, Pace::SHORT).await, Some(19));
        assert_eq!(cut_off(59, 1 << 10, Pace::SHORT).await, None);
        assert_eq!(cut_off(100, 1 << 20, Pace::SHORT).await, Some(60));
        assert_eq!(cut_off(100, 1 << 10, Pace::LONG).await, Some(10));
        assert_eq!(cut_off(300, 64 << 10, Pace::LONG).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_nobody_reads_is_not_the_clients() {
        let pieces = stream::iter((0..5).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::new()))));
        let mut body = Paced::new(StreamBody::new(pieces), Pace::SHORT);
        while let Some(frame) = body.frame().await {
            assert!(frame.is_ok());
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
}
