//! How slowly a client may read what it is sent: until all that is to be sent has been taken over by the system, the client has
//! to keep a pace, or its connection is closed. There is nobody to tell then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::pace::{Pace, Stopwatch};

/// A connection whose client has to keep a pace in reading.
pub(crate) struct Sending<S> {
    stream: S,
    stopwatch: Stopwatch,
    /// Set when a part of a request has come since all was taken over: the bytes behind it are those of another answer.
    has_asked: bool,
}

impl<S> Sending<S> {
    pub(crate) fn new(stream: S, pace: Pace) -> Self {
        Self {
            stream,
            stopwatch: Stopwatch::new(pace),
            has_asked: false,
        }
    }

    /// Passes the outcome of a write on; pending while the client still has time, and an error when it has not.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            ready!(self.stopwatch.poll_late(context));
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "its client reads too slowly",
            )));
        };
        self.stopwatch.stop();
        // The bytes before the first wait went into the system's own buffers.
        if self.stopwatch.has_waited() {
            self.stopwatch.count(*written.as_ref().unwrap_or(&0));
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sending<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.has_asked |= buffer.filled().len() > before;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sending<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when all that there is by now was written: the answer to another request has its own time.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.has_asked {
            self.stopwatch.reset();
            self.has_asked = false;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::time::Instant;

    use super::*;

    const PACE: Pace = Pace::ANSWER;

    /// Sends so many bytes to a client that reads as the function does, through a buffer of 64 KiB.
    async fn sent<F: Future<Output = ()>>(
        length: usize,
        client: impl FnOnce(DuplexStream) -> F,
    ) -> io::Result<()> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let mut sending = Sending::new(ours, PACE);
        let send = async {
            sending.write_all(&vec![0; length]).await?;
            sending.flush().await
        };
        tokio::select! {
            sent = send => sent,
            () = client(theirs) => Ok(()),
        }
    }

    /// Reads a piece of the size each second.
    async fn read_slowly(mut stream: DuplexStream, size: usize) {
        let mut piece = vec![0; size];
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if stream.read(&mut piece).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_keeps_the_pace_is_sent_everything() {
        let sent = sent(1 << 20, async |stream| read_slowly(stream, 16 << 10).await).await;
        assert!(sent.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_or_not_at_all_is_cut_off() {
        let begun = Instant::now();
        for size in [0, 16, 512] {
            let sent = sent(1 << 20, async |stream| read_slowly(stream, size).await).await;
            assert_eq!(
                sent.err().map(|error| error.kind()),
                Some(io::ErrorKind::TimedOut),
                "{size} bytes a second"
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(120));
    }
}
