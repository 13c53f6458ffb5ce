//! The body of a request, taken in before anything of a component is waited for: a client that
//! sends slowly takes nothing from others. Only a body that is too long for that is handed to its
//! component as it comes, and of those there are few at a time.

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

use crate::pace::{Broken, Pace, Paced};
use crate::problem::{Kind, Problem};

/// Most bytes of a body that are taken in ahead.
const MOST: usize = 1 << 20;

/// Bytes of a body that every connection may have taken in.
const FREE: usize = 64 << 10;

/// All that bodies may take beyond those, in bytes: what is counted is the memory of the process. It is counted as they come, [`FREE`]
/// at a time: what a client announces, it may never send.
pub(crate) const ALL: usize = 64 << 20;

const TOO_MUCH: Problem = Problem::new(Kind::Unavailable)
    .detail("Too many large bodies are on their way; come again.")
    .retry_after(5)
    .closing();

/// A body that has been taken in.
pub(crate) struct Taken {
    /// For the component.
    pub(crate) body: WasiBody,
    /// When more of it is yet to come: how long it is, as far as that was announced.
    pub(crate) long: Option<Announced>,
    /// Set when that came too slowly; none when nothing is to come.
    slow: Option<Arc<AtomicBool>>,
}

impl Taken {
    /// Returns a watch that tells afterwards whether the rest came too slowly.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.slow.clone())
    }
}

/// The length of a body as its client has announced it; none where it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announced(pub(crate) Option<u64>);

/// Tells whether a body came too slowly.
pub(crate) struct Watch(Option<Arc<AtomicBool>>);

impl Watch {
    pub(crate) fn was_slow(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|slow| slow.load(Ordering::Relaxed))
    }
}

/// Takes a body in, whole or as much as is taken in ahead. What it takes is counted in `room`.
///
/// # Errors
///
/// 408 when it comes too slowly, 400 when it breaks off, 503 when there is no memory for it.
pub(crate) async fn take<B>(body: B, room: &Arc<Semaphore>) -> Result<Taken, Problem>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Error> + Send,
{
    if body.is_end_stream() {
        return Ok(Taken {
            body: http_body_util::Empty::new()
                .map_err(|never| match never {})
                .boxed_unsync(),
            long: None,
            slow: None,
        });
    }
    let announced = body.size_hint().exact();
    let mut rest = Some(Paced::new(body, Pace::SHORT));
    let mut ahead = Ahead::default();
    if announced.is_none_or(|length| length <= MOST as u64) {
        while let Some(body) = &mut rest
            && ahead.length <= MOST
        {
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Err(problem) = ahead.add(frame, room) {
                        // A connection that is closed while its client sends takes the answer with it.
                        if let Some(body) = rest.take() {
                            tokio::spawn(pour_away(body));
                        }
                        return Err(problem);
                    }
                    if ahead.held.is_some() {
                        body.set_pace(Pace::COUNTED);
                    }
                }
                Some(Err(Broken::Slow)) => return Err(too_slow()),
                Some(Err(Broken::Off(_))) => {
                    return Err(Problem::new(Kind::Malformed)
                        .detail("The body broke off before its end.")
                        .closing());
                }
                None => rest = None,
            }
        }
    }
    if let Some(rest) = &mut rest {
        rest.set_pace(Pace::LONG);
    }
    let long = rest.as_ref().map(|_| Announced(announced));
    let slow = long.map(|_| Arc::default());
    let replayed = Replay {
        ahead: ahead.take_frames(),
        rest,
        slow: slow.clone(),
        _held: ahead.held,
    };
    Ok(Taken {
        body: replayed.boxed_unsync(),
        long,
        slow,
    })
}

/// Reads what is left of a body that nobody wants, at the pace that it has to keep anyway.
pub(crate) async fn pour_away<B: Body + Unpin>(mut body: B) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// That the client did not keep the pace.
pub(crate) fn too_slow() -> Problem {
    Problem::new(Kind::TooSlow)
        .detail("Send the body faster, or in parts.")
        .closing()
}

/// The part of a body that has been taken in.
#[derive(Default)]
struct Ahead {
    /// The first piece, which mostly is all, as it came.
    first: Bytes,
    /// Those that follow, copied: a piece of one byte may hold on to a buffer of thousands.
    more: BytesMut,
    trailers: Option<Frame<Bytes>>,
    length: usize,
    /// Bytes beyond those that every connection may have.
    counted: usize,
    held: Option<OwnedSemaphorePermit>,
}

impl Ahead {
    fn add(&mut self, frame: Frame<Bytes>, room: &Arc<Semaphore>) -> Result<(), Problem> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(other) => {
                self.trailers = Some(other);
                return Ok(());
            }
        };
        self.length += data.len();
        while FREE + self.counted < self.length {
            self.counted += FREE;
            let more = Arc::clone(room).try_acquire_many_owned(FREE as u32);
            let more = more.map_err(|_| TOO_MUCH)?;
            match &mut self.held {
                Some(held) => held.merge(more),
                None => self.held = Some(more),
            }
        }
        if self.first.is_empty() {
            self.first = data;
        } else {
            self.more.extend_from_slice(&data);
        }
        Ok(())
    }

    fn take_frames(&mut self) -> VecDeque<Frame<Bytes>> {
        let pieces = [
            std::mem::take(&mut self.first),
            std::mem::take(&mut self.more).freeze(),
        ];
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        pieces
            .map(Frame::data)
            .chain(self.trailers.take())
            .collect()
    }
}

/// A body as its component reads it: what was taken in, and then what comes.
struct Replay<B> {
    ahead: VecDeque<Frame<Bytes>>,
    rest: Option<Paced<B>>,
    slow: Option<Arc<AtomicBool>>,
    _held: Option<OwnedSemaphorePermit>,
}

impl<B> Body for Replay<B>
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
        if let Some(frame) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(rest).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|broken| match broken {
                Broken::Slow => {
                    if let Some(slow) = &self.slow {
                        slow.store(true, Ordering::Relaxed);
                    }
                    Error::ConnectionReadTimeout
                }
                Broken::Off(error) => error.into(),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
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

    /// A body whose pieces have the sizes, and whose length is not announced.
    fn pieces(sizes: &[usize]) -> impl Body<Data = Bytes, Error = Error> + Unpin + Send + use<> {
        let frames: Vec<_> = sizes
            .iter()
            .map(|size| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; *size]))))
            .collect();
        StreamBody::new(stream::iter(frames)).map_err(|never| match never {})
    }

    fn room(bytes: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(bytes))
    }

    #[tokio::test]
    async fn a_short_body_is_whole_and_a_long_one_goes_on() -> anyhow::Result<()> {
        let room = room(ALL);
        for sizes in [
            &[][..],
            &[5],
            &[1, 2, 3],
            &[MOST],
            &[MOST - 1, 1],
            &[MOST, 1],
            &[FREE; 40],
        ] {
            let length: usize = sizes.iter().sum();
            let taken = take(pieces(sizes), &room).await;
            let taken = taken.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
            assert_eq!(taken.long.is_some(), length > MOST, "{sizes:?}");
            let read = taken.body.collect().await?.to_bytes();
            assert_eq!(read.len(), length);
        }
        assert_eq!(room.available_permits(), ALL);
        Ok(())
    }

    #[tokio::test]
    async fn an_announced_length_decides_before_anything_is_read() -> anyhow::Result<()> {
        let room = room(0);
        let body = |length| Full::new(Bytes::from(vec![b'x'; length]));
        for (length, is_long) in [(FREE, false), (MOST + 1, true)] {
            let body = body(length).map_err(|never| -> Error { match never {} });
            let taken = take(body, &room).await;
            assert!(
                taken.is_ok_and(|taken| taken.long.is_some() == is_long),
                "{length}"
            );
        }
        let large = body(FREE + 1).map_err(|never| -> Error { match never {} });
        assert_eq!(take(large, &room).await.err(), Some(TOO_MUCH));
        Ok(())
    }

    #[tokio::test]
    async fn what_is_announced_and_not_sent_is_not_counted() {
        let room = room(2 * FREE);
        assert!(take(pieces(&[FREE, FREE]), &room).await.is_ok());
        assert_eq!(take(pieces(&[FREE; 4]), &room).await.err(), Some(TOO_MUCH));
        assert_eq!(room.available_permits(), 2 * FREE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_is_refused() {
        let begun = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{")))]);
        let still = futures::StreamExt::chain(begun, stream::pending());
        let body = StreamBody::new(still).map_err(|never| -> Error { match never {} });
        let refused = take(body, &room(ALL)).await.err();
        assert_eq!(refused, Some(too_slow()));
    }
}
