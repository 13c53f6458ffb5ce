//! Standard output and error of guests: each line becomes an event of `tracing`, as the host's own
//! messages are. What a line says is read in `guest_event`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::guest_event;

/// The length from which a line is logged in parts, so that a guest cannot fill the host's memory.
const MAX_LINE_BYTES: usize = 16 << 10;

/// The guest's stream that a line comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

/// A guest's standard output or error.
pub(crate) struct GuestOutput {
    pub(crate) component: Arc<str>,
    pub(crate) stream: OutputStream,
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(LineWriter {
            component: Arc::clone(&self.component),
            stream: self.stream,
            incomplete_line: Vec::new(),
        })
    }
}

struct LineWriter {
    component: Arc<str>,
    stream: OutputStream,
    incomplete_line: Vec<u8>,
}

impl LineWriter {
    fn log(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        guest_event::emit(&self.component, self.stream, text.trim_end_matches('\r'));
    }

    fn write(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.incomplete_line);
            line.extend_from_slice(&bytes[..end]);
            self.log(&line);
            bytes = &bytes[end + 1..];
        }
        self.incomplete_line.extend_from_slice(bytes);
        if self.incomplete_line.len() > MAX_LINE_BYTES {
            let line = std::mem::take(&mut self.incomplete_line);
            self.log(&line);
        }
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if !self.incomplete_line.is_empty() {
            self.log(&self.incomplete_line);
        }
    }
}

impl AsyncWrite for LineWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.get_mut().write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
