//! The log, the metrics and the traces of a running process, for its operator: printed, served to
//! Prometheus on the management address, and exported to a collector of OpenTelemetry. The events,
//! instruments and spans themselves are where the work is done, in `host` and `worker`, which know
//! only the APIs of `tracing` and OpenTelemetry.

mod collector;
mod export;
pub mod log;
mod management;
mod metrics;
mod traces;
mod variables;

pub use export::Export;
pub use management::serve;
pub use metrics::Metrics;
