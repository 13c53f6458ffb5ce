//! Background work: everything that is done as time passes, independently of any request.
//! The command that runs it lives in `cli`; work that an operator starts by hand lives in `operations`.

mod cell_state;
mod http_client;
mod jobs;
mod metrics;
pub mod notifications;
mod periodic;
mod queue;
mod rounds;
pub mod stop;
mod traces;
pub mod webhooks;

pub use jobs::{
    Clash, Escalation, Failure, NotRemoved, OutdatedLessons, Report, refresh_views, seal,
};
pub use periodic::Intervals;
pub use queue::DeliveryReport;
pub use rounds::{Senders, run, run_once, run_until_stopped};
