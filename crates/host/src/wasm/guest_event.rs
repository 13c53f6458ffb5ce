//! The events of guests. A guest may write an event as a JSON object in one line, with the members of
//! [`GuestEvent`]; any other line is the message of an event. Lines come from `guest_output`.
//!
//! An instance serves several requests at a time, so that the host cannot know which one a line is
//! about: only the guest can say it.

use std::borrow::Cow;

use serde::Deserialize;
use tracing::Level;

/// The target of the events, because targets are constants. The field `component` tells guests apart.
const TARGET: &str = "component";

/// The guest's stream that a line comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

/// An event that a guest wrote. Other members are ignored: the time and the component are known.
#[derive(Debug, Deserialize)]
struct GuestEvent<'a> {
    level: GuestLevel,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    operation: Option<Cow<'a, str>>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(borrow, default)]
    request_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    trace_id: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum GuestLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Emits the event of a line.
pub(super) fn emit(component: &str, stream: OutputStream, line: &str) {
    let event = serde_json::from_str(line).unwrap_or_else(|_| GuestEvent::from_text(stream, line));
    // The level of an event is a constant of the place where it is emitted.
    macro_rules! emit_at {
        ($level:expr) => {
            tracing::event!(
                target: TARGET,
                $level,
                component,
                operation = event.operation.as_deref(),
                status = event.status,
                request_id = event.request_id.as_deref(),
                trace_id = event.trace_id.as_deref(),
                "{}",
                event.message
            )
        };
    }
    match event.level {
        GuestLevel::Error => emit_at!(Level::ERROR),
        GuestLevel::Warn => emit_at!(Level::WARN),
        GuestLevel::Info => emit_at!(Level::INFO),
        GuestLevel::Debug => emit_at!(Level::DEBUG),
        GuestLevel::Trace => emit_at!(Level::TRACE),
    }
}

impl<'a> GuestEvent<'a> {
    /// Makes an event of a line that is not one.
    fn from_text(stream: OutputStream, line: &'a str) -> Self {
        Self {
            level: match stream {
                OutputStream::Stdout => GuestLevel::Info,
                OutputStream::Stderr => GuestLevel::Warn,
            },
            message: line.into(),
            operation: None,
            status: None,
            request_id: None,
            trace_id: None,
        }
    }
}
