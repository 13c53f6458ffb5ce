//! The log of this process: events of `tracing` become lines on standard output and standard error,
//! as text or as JSON. The results of commands are printed in `cli`.

use std::io::{self, IsTerminal as _, Write, stderr, stdout};

use clap::{Args, ValueEnum};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The target of the access log, which has one event for each request.
const ACCESS: &str = "access";

/// The events that are printed unless another filter is given, as pairs of targets and levels.
/// Other libraries are not among them, because what they print of a request is not known.
const DEFAULT_FILTER: [(&str, Level); 6] = [
    ("component", Level::INFO),
    ("host", Level::WARN),
    ("lms", Level::INFO),
    ("opentelemetry", Level::WARN),
    ("telemetry", Level::INFO),
    ("worker", Level::INFO),
];

/// The options of the log, which every long-running command has.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Format of the log: text, or JSON with one object in each line
    #[arg(
        long,
        env = "LMS_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: Format,

    /// Events to log instead of the usual ones, such as host=debug,worker=info
    #[arg(long, env = "LMS_LOG_FILTER", value_name = "TARGET=LEVEL,...")]
    pub log_filter: Option<Targets>,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text, with colours on a terminal.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Prints the log of this process from now on. A second call has no effect.
pub fn start(options: &Options, streams: Streams, access_log: AccessLog) {
    // The work goes on without a log: a line that cannot be written is dropped.
    let _ = tracing_subscriber::registry()
        .with(lines(options.log_format, streams).with_filter(filter(options, access_log)))
        .try_init();
}

/// Decides where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Warnings and errors go to standard error, the rest to standard output.
    Both,
    /// All lines go to standard error, because standard output has the answer of a command.
    StandardError,
}

impl Streams {
    /// The most detailed level whose events go to standard error.
    fn standard_error_level(self) -> Level {
        match self {
            Self::Both => Level::WARN,
            Self::StandardError => Level::TRACE,
        }
    }
}

/// Decides whether requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// There is one event for each request.
    On,
    /// There is none.
    Off,
}

/// Returns the events that are printed.
fn filter(options: &Options, access_log: AccessLog) -> Targets {
    let filter = options
        .log_filter
        .clone()
        .unwrap_or_else(|| Targets::new().with_targets(DEFAULT_FILTER));
    match access_log {
        AccessLog::On => filter.with_target(ACCESS, Level::INFO),
        AccessLog::Off => filter,
    }
}

/// Returns the layer that prints events as lines.
fn lines<S>(format: Format, streams: Streams) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = (|| Line(stderr()))
        .with_max_level(streams.standard_error_level())
        .or_else(|| Line(stdout()));
    let layer = fmt::layer().with_writer(writer).log_internal_errors(false);
    match format {
        Format::Text => layer.with_ansi(has_colours()).boxed(),
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    }
}

/// Returns whether a person reads the log on a terminal, and has not refused colours
/// (<https://no-color.org>).
fn has_colours() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_refused && stdout().is_terminal() && stderr().is_terminal()
}

/// Writes each event as one line, even if its message has several.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    /// Receives an event as a whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        if text.contains(&b'\n') {
            let parts: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            let mut line = parts.join(&b"\\n"[..]);
            line.push(b'\n');
            self.0.write_all(&line)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        for (event, line) in [
            ("INFO host: loaded\n", "INFO host: loaded\n"),
            ("WARN host: a\nb\n\n", "WARN host: a\\nb\\n\n"),
        ] {
            let mut written = Vec::new();
            Line(&mut written).write_all(event.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }

    #[test]
    fn the_access_log_is_added_to_any_filter() {
        for log_filter in [None, Some("host=debug".parse().unwrap())] {
            let options = Options {
                log_format: Format::Text,
                log_filter,
            };
            let logs_requests =
                |access_log| filter(&options, access_log).would_enable(ACCESS, &Level::INFO);
            assert!(logs_requests(AccessLog::On));
            assert!(!logs_requests(AccessLog::Off));
        }
    }
}
