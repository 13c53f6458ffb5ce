//! Background work: everything that has to be done as time goes on, whoever is using the application.
//! The command that runs it lives in `cli`; work that an operator starts by hand lives in `operations`.

pub mod delivery;
mod jobs;
mod pace;
mod rounds;
pub mod stop;
pub mod webhooks;

pub use jobs::{Clash, Escalation, Failure, NotRemoved, OffTheClock, Report, seal};
pub use pace::Intervals;
pub use rounds::{Couriers, round, work, work_until_stopped};
