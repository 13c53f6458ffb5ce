//! What guests print: each line goes to the host's own output, with the component's id before it.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// A longer line is printed in pieces, so that a guest cannot fill the host's memory.
const LONGEST_LINE: usize = 16 << 10;

/// Which of the host's outputs a guest's output goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    Standard,
    Error,
}

/// A guest's standard output or error.
pub(crate) struct GuestOutput {
    pub(crate) component: Arc<str>,
    pub(crate) output: Output,
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines {
            component: Arc::clone(&self.component),
            output: self.output,
            unfinished: Vec::new(),
        })
    }
}

struct Lines {
    component: Arc<str>,
    output: Output,
    unfinished: Vec<u8>,
}

impl Lines {
    fn print(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let line = format!("{}: {}\n", self.component, text.trim_end_matches('\r'));
        // There is nobody left to tell when the host's own output is gone.
        let _ = match self.output {
            Output::Standard => std::io::stdout().lock().write_all(line.as_bytes()),
            Output::Error => std::io::stderr().lock().write_all(line.as_bytes()),
        };
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.unfinished);
            line.extend_from_slice(&bytes[..end]);
            self.print(&line);
            bytes = &bytes[end + 1..];
        }
        self.unfinished.extend_from_slice(bytes);
        if self.unfinished.len() > LONGEST_LINE {
            let line = std::mem::take(&mut self.unfinished);
            self.print(&line);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.unfinished.is_empty() {
            let line = std::mem::take(&mut self.unfinished);
            self.print(&line);
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.get_mut().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
