//! `spin:postgres@4.2.0` on tokio-postgres, with Spin's semantics: the same results, errors and
//! pools. The rules for the databases that a component may use live in `manifest::allowed_hosts`.
//!
//! Components cannot see the differences from Spin: statements stay prepared on their connection,
//! the reset of a connection shares a round trip with its next statement, and there is none after
//! statements that are known to leave no state.
//!
//! | module | holds |
//! |---|---|
//! | `interface` | the functions that guests call |
//! | `statements` | the execution of a guest's statements on its connection |
//! | `types` | the types of the interface |
//! | `parameters`, `values`, `errors` | conversions between the interface and the driver |
//! | `permission` | the check of a connection string against the allowed hosts |
//! | `pool`, `concurrency`, `session`, `transaction`, `tls` | connections |
//! | `metrics`, `usage` | the instruments for connections |
//! | `traces` | the spans of statements and of waits for a connection |

#![expect(
    clippy::result_large_err,
    reason = "the interface has the server's whole error in its error type, and Wasmtime cannot \
              lift a boxed one"
)]

mod concurrency;
mod errors;
mod interface;
mod metrics;
mod parameters;
mod permission;
mod pool;
mod session;
mod statements;
mod tls;
mod traces;
mod transaction;
mod types;
mod usage;
mod values;

pub(crate) use interface::{PostgresView, add_to_linker};
pub(crate) use pool::{AuthorizedPools, MAX_CONNECTIONS, PoolRegistry};
pub(crate) use session::StatelessStatements;
pub(crate) use usage::observe_connections;
