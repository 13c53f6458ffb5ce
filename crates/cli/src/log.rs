//! Printing the log of background work: events of `tracing` become lines on standard output and standard error.
//! The results of commands are printed in `commands`.

use std::io::{stderr, stdout};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// The events that are printed: those of the worker. The host's own messages are not.
const FILTER: &str = "worker=info";

/// Prints the log of this process from now on. Warnings and errors go to standard error.
pub(crate) fn install() {
    let writer = stderr
        .with_max_level(Level::WARN)
        .or_else(stdout.with_min_level(Level::INFO));
    // The work goes on without a log: a line that cannot be written is dropped.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false)
        .try_init();
}
