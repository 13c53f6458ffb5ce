//! Request bodies: the host buffers a body before its request is admitted, so that a client that
//! sends slowly holds no permit. A body that is too large for that is streamed to its component,
//! and `admission::limits` bounds how many of those there are.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, WasiBody};

use super::min_rate::{MinRate, MinRateBody, ReadError};
use super::problem::{Kind, Problem};

/// The length up to which a body is buffered.
const MAX_BUFFERED_BYTES: usize = 1 << 20;

/// Bytes of a body that each connection may buffer without their being counted. Further bytes are
/// counted in steps of this size as they arrive, and not by the declared length, because a client
/// may never send what it has declared.
const UNCOUNTED_BYTES: usize = 64 << 10;

const TOO_MANY_LARGE_BODIES: Problem = Problem::new(Kind::Unavailable)
    .detail("Too many large request bodies are being received. Try again later.")
    .retry_after(5)
    .close_connection();

/// A body of which the host has received all, or as much as it buffers.
pub(crate) struct ReceivedBody {
    /// The body for the component.
    pub(crate) body: WasiBody,
    pub(crate) kind: BodyKind,
    /// Set if the rest of a streamed body arrives too slowly.
    timed_out: Option<Arc<AtomicBool>>,
}

/// The way in which the component reads a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// The whole body has been received.
    Buffered,
    /// The rest is yet to arrive.
    Streamed {
        /// None if the client has not declared it.
        content_length: Option<u64>,
    },
}

impl ReceivedBody {
    /// Returns a flag that tells after the request whether the body arrived too slowly.
    pub(crate) fn timeout_flag(&self) -> TimeoutFlag {
        TimeoutFlag(self.timed_out.clone())
    }
}

/// Tells whether a streamed body arrived too slowly.
pub(crate) struct TimeoutFlag(Option<Arc<AtomicBool>>);

impl TimeoutFlag {
    pub(crate) fn is_set(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|timed_out| timed_out.load(Ordering::Relaxed))
    }
}

/// Receives a body, whole or as much of it as is buffered. `budget` has the bytes that all bodies
/// together may take.
///
/// # Errors
///
/// 408 if the body arrives too slowly, 400 if the connection fails, 503 if the budget is used up.
pub(crate) async fn receive<B>(body: B, budget: &Arc<Semaphore>) -> Result<ReceivedBody, Problem>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Error> + Send,
{
    if body.is_end_stream() {
        return Ok(ReceivedBody {
            body: http_body_util::Empty::new()
                .map_err(|never| match never {})
                .boxed_unsync(),
            kind: BodyKind::Buffered,
            timed_out: None,
        });
    }
    let content_length = body.size_hint().exact();
    let mut remainder = Some(MinRateBody::new(body, MinRate::BUFFERED_BODY));
    let mut buffer = Buffer::default();
    if content_length.is_none_or(|length| length <= MAX_BUFFERED_BYTES as u64) {
        while let Some(body) = &mut remainder
            && buffer.length <= MAX_BUFFERED_BYTES
        {
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Err(problem) = buffer.add(frame, budget) {
                        // If the host closed the connection while the client sends, the client
                        // would lose the response.
                        if let Some(body) = remainder.take() {
                            tokio::spawn(discard(body));
                        }
                        return Err(problem);
                    }
                    if buffer.permit.is_some() {
                        body.set_min_rate(MinRate::LARGE_BUFFERED_BODY);
                    }
                }
                Some(Err(ReadError::Timeout)) => return Err(request_timeout()),
                Some(Err(ReadError::Connection(_))) => {
                    return Err(Problem::new(Kind::MalformedRequest)
                        .detail("The connection was closed before the end of the request body.")
                        .close_connection());
                }
                None => remainder = None,
            }
        }
    }
    if let Some(remainder) = &mut remainder {
        remainder.set_min_rate(MinRate::STREAMED_BODY);
    }
    let (kind, timed_out) = match remainder {
        Some(_) => (BodyKind::Streamed { content_length }, Some(Arc::default())),
        None => (BodyKind::Buffered, None),
    };
    let body = PartlyBufferedBody {
        buffered: buffer.take_frames(),
        remainder,
        timed_out: timed_out.clone(),
        _permit: buffer.permit,
    };
    Ok(ReceivedBody {
        body: body.boxed_unsync(),
        kind,
        timed_out,
    })
}

/// Reads the rest of a body and drops it. The minimum rate of the body still applies.
pub(crate) async fn discard<B: Body + Unpin>(mut body: B) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// The problem of a body that arrives too slowly.
pub(crate) fn request_timeout() -> Problem {
    Problem::new(Kind::RequestTimeout)
        .detail("The request body arrived too slowly. Send it faster, or in several requests.")
        .close_connection()
}

/// The part of a body that is buffered.
#[derive(Default)]
struct Buffer {
    /// The first chunk as it arrived. Most bodies have no other.
    first: Bytes,
    /// A copy of the chunks that follow: a chunk of one byte may keep a buffer of thousands alive.
    following: BytesMut,
    trailers: Option<Frame<Bytes>>,
    length: usize,
    counted_bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Buffer {
    fn add(&mut self, frame: Frame<Bytes>, budget: &Arc<Semaphore>) -> Result<(), Problem> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => {
                self.trailers = Some(trailers);
                return Ok(());
            }
        };
        self.length += data.len();
        while UNCOUNTED_BYTES + self.counted_bytes < self.length {
            self.counted_bytes += UNCOUNTED_BYTES;
            let permit = Arc::clone(budget).try_acquire_many_owned(UNCOUNTED_BYTES as u32);
            let permit = permit.map_err(|_| TOO_MANY_LARGE_BODIES)?;
            match &mut self.permit {
                Some(whole) => whole.merge(permit),
                None => self.permit = Some(permit),
            }
        }
        if self.first.is_empty() {
            self.first = data;
        } else {
            self.following.extend_from_slice(&data);
        }
        Ok(())
    }

    fn take_frames(&mut self) -> VecDeque<Frame<Bytes>> {
        let chunks = [
            std::mem::take(&mut self.first),
            std::mem::take(&mut self.following).freeze(),
        ];
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty());
        chunks
            .map(Frame::data)
            .chain(self.trailers.take())
            .collect()
    }
}

/// A body as its component reads it: the buffered frames, and then the rest as it arrives.
struct PartlyBufferedBody<B> {
    buffered: VecDeque<Frame<Bytes>>,
    remainder: Option<MinRateBody<B>>,
    timed_out: Option<Arc<AtomicBool>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<B> Body for PartlyBufferedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(frame) = self.buffered.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(remainder) = &mut self.remainder else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(remainder).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| match error {
                ReadError::Timeout => {
                    if let Some(timed_out) = &self.timed_out {
                        timed_out.store(true, Ordering::Relaxed);
                    }
                    Error::ConnectionReadTimeout
                }
                ReadError::Connection(error) => error.into(),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.buffered.is_empty() && self.remainder.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;
    use crate::admission::limits::MAX_REQUEST_BUFFER_BYTES;

    /// A body of chunks of the sizes, whose length is not declared.
    fn chunks(sizes: &[usize]) -> impl Body<Data = Bytes, Error = Error> + Unpin + Send + use<> {
        let frames: Vec<_> = sizes
            .iter()
            .map(|size| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; *size]))))
            .collect();
        StreamBody::new(stream::iter(frames)).map_err(|never| match never {})
    }

    fn budget(bytes: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(bytes))
    }

    fn is_streamed(received: &ReceivedBody) -> bool {
        received.kind != BodyKind::Buffered
    }

    #[tokio::test]
    async fn a_short_body_is_buffered_and_a_long_one_streamed() -> anyhow::Result<()> {
        let budget = budget(MAX_REQUEST_BUFFER_BYTES);
        for sizes in [
            &[][..],
            &[5],
            &[1, 2, 3],
            &[MAX_BUFFERED_BYTES],
            &[MAX_BUFFERED_BYTES - 1, 1],
            &[MAX_BUFFERED_BYTES, 1],
            &[UNCOUNTED_BYTES; 40],
        ] {
            let length: usize = sizes.iter().sum();
            let received = receive(chunks(sizes), &budget).await;
            let received = received.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
            let exceeds = length > MAX_BUFFERED_BYTES;
            assert_eq!(is_streamed(&received), exceeds, "{sizes:?}");
            let read = received.body.collect().await?.to_bytes();
            assert_eq!(read.len(), length);
        }
        assert_eq!(budget.available_permits(), MAX_REQUEST_BUFFER_BYTES);
        Ok(())
    }

    #[tokio::test]
    async fn a_declared_length_decides_before_anything_is_read() -> anyhow::Result<()> {
        let budget = budget(0);
        let body = |length| Full::new(Bytes::from(vec![b'x'; length]));
        for (length, expected) in [(UNCOUNTED_BYTES, false), (MAX_BUFFERED_BYTES + 1, true)] {
            let body = body(length).map_err(|never| -> Error { match never {} });
            let received = receive(body, &budget).await;
            assert!(
                received.is_ok_and(|received| is_streamed(&received) == expected),
                "{length}"
            );
        }
        let large = body(UNCOUNTED_BYTES + 1).map_err(|never| -> Error { match never {} });
        assert_eq!(
            receive(large, &budget).await.err(),
            Some(TOO_MANY_LARGE_BODIES)
        );
        Ok(())
    }

    #[tokio::test]
    async fn only_bytes_that_arrive_are_counted() {
        let budget = budget(2 * UNCOUNTED_BYTES);
        let small = chunks(&[UNCOUNTED_BYTES, UNCOUNTED_BYTES]);
        assert!(receive(small, &budget).await.is_ok());
        let large = chunks(&[UNCOUNTED_BYTES; 4]);
        assert_eq!(
            receive(large, &budget).await.err(),
            Some(TOO_MANY_LARGE_BODIES)
        );
        assert_eq!(budget.available_permits(), 2 * UNCOUNTED_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_arriving_times_out() {
        let start = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{")))]);
        let stalled = futures::StreamExt::chain(start, stream::pending());
        let body = StreamBody::new(stalled).map_err(|never| -> Error { match never {} });
        let rejected = receive(body, &budget(MAX_REQUEST_BUFFER_BYTES)).await.err();
        assert_eq!(rejected, Some(request_timeout()));
    }
}
