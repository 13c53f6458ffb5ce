//! Keeps what the hosts and workers of this process log, so that tests can search it. The values
//! that may not be there are in `sent_values`.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The events that are kept: all of our own, of which a process prints fewer unless it is asked.
const FILTER: [(&str, Level); 6] = [
    ("access", Level::INFO),
    ("component", Level::DEBUG),
    ("host", Level::DEBUG),
    ("lms", Level::DEBUG),
    ("telemetry", Level::DEBUG),
    ("worker", Level::DEBUG),
];

/// Everything that was logged so far.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn log() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps events from now on, instead of printing them.
pub(crate) fn start() {
    let layer = fmt::layer().with_ansi(false).with_writer(|| Writer);
    let filter = Targets::new().with_targets(FILTER);
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
}

/// Returns the present end of the log.
pub(crate) fn end() -> usize {
    log().len()
}

/// Returns what was logged since an earlier end of the log.
pub(crate) fn since(end: usize) -> String {
    String::from_utf8_lossy(&log()[end..]).into_owned()
}

struct Writer;

impl Write for Writer {
    /// Receives an event as a whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        log().extend_from_slice(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
