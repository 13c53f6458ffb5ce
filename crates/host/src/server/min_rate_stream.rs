//! A connection whose client must read responses at a minimum rate, or else it is closed. The rate
//! itself is defined in `min_rate`.
//!
//! The rate applies until the operating system has taken all bytes of a response. The client gets
//! no error response, since it does not read what was sent before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::min_rate::{MinRate, TransferTimer};

/// A connection on which writes time out below a minimum rate.
pub(crate) struct MinRateStream<S> {
    stream: S,
    timer: TransferTimer,
    /// Bytes of a request were read since the last complete flush: what is written after the next
    /// one belongs to another response.
    has_read: bool,
}

impl<S> MinRateStream<S> {
    pub(crate) fn new(stream: S, min_rate: MinRate) -> Self {
        Self {
            stream,
            timer: TransferTimer::new(min_rate),
            has_read: false,
        }
    }

    /// Turns a write that is pending for too long into an error.
    fn check_timeout(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            ready!(self.timer.poll_timeout(context));
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client reads too slowly",
            )));
        };
        self.timer.pause();
        // The bytes before the first wait went into the operating system's buffers.
        if self.timer.has_waited() {
            self.timer.add_bytes(*written.as_ref().unwrap_or(&0));
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MinRateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.has_read |= buffer.filled().len() > before;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MinRateStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check_timeout(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.check_timeout(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The server flushes when it has written everything so far. After a further request, the
    /// measurement starts again, because the next response has a timeout of its own.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.has_read {
            self.timer.reset();
            self.has_read = false;
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

    /// Sends so many bytes to a client through a buffer of 64 KiB.
    async fn send<F: Future<Output = ()>>(
        length: usize,
        client: impl FnOnce(DuplexStream) -> F,
    ) -> io::Result<()> {
        let (server_end, client_end) = tokio::io::duplex(64 << 10);
        let mut stream = MinRateStream::new(server_end, MinRate::RESPONSE);
        let send = async {
            stream.write_all(&vec![0; length]).await?;
            stream.flush().await
        };
        tokio::select! {
            sent = send => sent,
            () = client(client_end) => Ok(()),
        }
    }

    /// Reads a chunk of the size each second.
    async fn read_slowly(mut stream: DuplexStream, size: usize) {
        let mut chunk = vec![0; size];
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if stream.read(&mut chunk).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_above_the_minimum_rate_gets_the_whole_response() {
        let sent = send(1 << 20, async |stream| read_slowly(stream, 16 << 10).await).await;
        assert!(sent.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_too_slowly_or_not_at_all_is_disconnected() {
        let start = Instant::now();
        for size in [0, 16, 512] {
            let sent = send(1 << 20, async |stream| read_slowly(stream, size).await).await;
            assert_eq!(
                sent.err().map(|error| error.kind()),
                Some(io::ErrorKind::TimedOut),
                "{size} bytes a second"
            );
        }
        assert!(start.elapsed() < Duration::from_secs(120));
    }
}
