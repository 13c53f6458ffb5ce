//! What a running process tells its operator: its log, and its metrics, which are served to Prometheus on the management address. The
//! events and instruments themselves are where the work is done, in `host` and `worker`, which know only the APIs of `tracing` and
//! OpenTelemetry.

pub mod log;
mod management;
mod metrics;

pub use management::serve;
pub use metrics::Metrics;
