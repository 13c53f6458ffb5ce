//! The metrics of a running process, served to Prometheus on the management address. The instruments themselves are where the work is
//! done, in `host` and `worker`, which know only the API of OpenTelemetry.

mod management;
mod metrics;

pub use management::serve;
pub use metrics::Metrics;
