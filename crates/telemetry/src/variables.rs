//! The environment variables of OpenTelemetry that its SDK leaves to programs. The SDK and its
//! exporter read the others, such as those of samplers, batches and headers.

use std::time::Duration;

use anyhow::{Result, bail};
use opentelemetry::Key;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector as _};

/// The only protocol of the exporter.
const PROTOCOL: &str = "http/protobuf";

/// The time limit of an export, unless a variable sets another.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// One kind of what is exported.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// Measurements.
    Metrics,
    /// Spans.
    Traces,
}

impl Signal {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }

    /// Returns whether the environment asks to export it.
    ///
    /// # Errors
    ///
    /// When it asks for a protocol that is not supported.
    pub(crate) fn is_exported(self) -> Result<bool> {
        self.is_exported_by(read)
    }

    fn is_exported_by(self, read: impl Fn(&str) -> Option<String>) -> Result<bool> {
        let is_disabled = read("OTEL_SDK_DISABLED");
        let is_disabled = is_disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let exporter = read(&format!("OTEL_{}_EXPORTER", self.in_variables()));
        let is_otlp =
            exporter.is_none_or(|names| names.split(',').any(|name| name.trim() == "otlp"));
        if is_disabled || !is_otlp || self.of_exporter("ENDPOINT", &read).is_none() {
            return Ok(false);
        }
        match self.of_exporter("PROTOCOL", &read) {
            Some(other) if other != PROTOCOL => bail!(
                "{} cannot be exported by the protocol {other:?}: set OTEL_EXPORTER_OTLP_PROTOCOL to {PROTOCOL}, and the \
                 endpoint to one of the collector for it (its port is usually 4318)",
                self.name()
            ),
            _ => Ok(true),
        }
    }

    /// The time limit of an export.
    pub(crate) fn timeout(self) -> Duration {
        let milliseconds = self.of_exporter("TIMEOUT", read);
        let milliseconds = milliseconds.and_then(|value| value.parse().ok());
        milliseconds.map_or(DEFAULT_TIMEOUT, Duration::from_millis)
    }

    /// Reads a variable of the exporter: the one for this signal, or else the one for all.
    fn of_exporter(self, name: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
        let signal = self.in_variables();
        read(&format!("OTEL_EXPORTER_OTLP_{signal}_{name}"))
            .or_else(|| read(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }

    fn in_variables(self) -> &'static str {
        match self {
            Self::Metrics => "METRICS",
            Self::Traces => "TRACES",
        }
    }
}

/// Reads a variable. An empty one counts as unset.
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns an attribute from `OTEL_RESOURCE_ATTRIBUTES`.
pub(crate) fn resource_attribute(key: &'static str) -> Option<String> {
    let resource = EnvResourceDetector::new().detect();
    resource.get(&Key::new(key)).map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    fn exported(variables: &[(&str, &str)]) -> Result<(bool, bool)> {
        let read = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let metrics = Signal::Metrics.is_exported_by(read)?;
        Ok((metrics, Signal::Traces.is_exported_by(read)?))
    }

    #[test]
    fn a_signal_is_exported_if_it_has_an_endpoint() {
        let traces = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://collector:4318/v1/traces",
        );
        for (variables, expected) in [
            (&[][..], (false, false)),
            (&[ENDPOINT], (true, true)),
            (&[traces], (false, true)),
            (
                &[ENDPOINT, ("OTEL_METRICS_EXPORTER", "none")],
                (false, true),
            ),
            (
                &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "console, otlp")],
                (true, true),
            ),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")], (false, false)),
            (&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")], (true, true)),
            (
                &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL)],
                (true, true),
            ),
        ] {
            assert_eq!(exported(variables).unwrap(), expected, "{variables:?}");
        }
    }

    #[test]
    fn another_protocol_is_refused_with_the_remedy() {
        let grpc = [ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let error = exported(&grpc).unwrap_err().to_string();
        assert!(
            error.contains("grpc") && error.contains(PROTOCOL),
            "{error}"
        );
    }
}
