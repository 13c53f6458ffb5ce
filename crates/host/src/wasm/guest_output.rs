//! Standard output and error of guests: each line becomes an event of `tracing`, as the host's own
//! messages are. What a line says is read in `guest_event`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::guest_event::{self, OutputStream};

/// The length from which a line is logged in parts, so that a guest cannot fill the host's memory.
const MAX_LINE_BYTES: usize = 16 << 10;

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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use anyhow::{Context as _, Result};
    use serde_json::Value;
    use tokio::io::AsyncWriteExt as _;
    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    /// Returns the events of what a guest writes in pieces before its instance is dropped.
    fn events(stream: OutputStream, pieces: &[&str]) -> Result<Vec<Value>> {
        let (reader, writer) = std::io::pipe()?;
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(LevelFilter::TRACE)
            .with_writer(Mutex::new(writer))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let output = GuestOutput {
                component: "users".into(),
                stream,
            };
            let mut output = Box::into_pin(output.async_stream());
            for piece in pieces {
                futures::executor::block_on(output.write_all(piece.as_bytes()))?;
            }
            anyhow::Ok(())
        })?;
        let text = std::io::read_to_string(reader)?;
        text.lines()
            .map(|line| serde_json::from_str(line).context("a line is no event"))
            .collect()
    }

    #[test]
    fn a_line_is_an_event() -> Result<()> {
        for (stream, level) in [
            (OutputStream::Stdout, "INFO"),
            (OutputStream::Stderr, "WARN"),
        ] {
            let events = events(stream, &["one\r\ntw", "o\n{\"three", "\":3}"])?;
            let messages: Vec<_> = events.iter().map(|event| &event["message"]).collect();
            assert_eq!(messages, ["one", "two", "{\"three\":3}"]);
            for event in events {
                assert_eq!(event["level"], level);
                assert_eq!(event["target"], "component");
                assert_eq!(event["component"], "users");
            }
        }
        Ok(())
    }

    #[test]
    fn a_line_that_is_an_event_already_keeps_what_it_says() -> Result<()> {
        let line = r#"{"timestamp":"?","level":"DEBUG","operation":"users.list","status":503,"request_id":"r-1","trace_id":"t-1","message":"\"a\"\nb","other":1}"#;
        let [event] = &events(OutputStream::Stderr, &[line, "\n"])?[..] else {
            anyhow::bail!("there is not one event")
        };
        assert_ne!(event["timestamp"], "?");
        assert_eq!(event["level"], "DEBUG");
        assert_eq!(event["operation"], "users.list");
        assert_eq!(event["status"], 503);
        assert_eq!(event["request_id"], "r-1");
        assert_eq!(event["trace_id"], "t-1");
        assert_eq!(event["message"], "\"a\"\nb");
        Ok(())
    }

    #[test]
    fn a_line_that_is_too_long_is_logged_in_parts() -> Result<()> {
        let part = "x".repeat(MAX_LINE_BYTES + 1);
        let events = events(OutputStream::Stdout, &[&part, "y\n"])?;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["message"], part);
        assert_eq!(events[1]["message"], "y");
        Ok(())
    }
}
