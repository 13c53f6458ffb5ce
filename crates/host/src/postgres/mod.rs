//! `spin:postgres@4.2.0` on tokio-postgres, in Spin's semantics: the same results, the same errors,
//! the same pool. What differs cannot be seen from a component: statements stay prepared on their
//! connection, and resetting a connection shares a round trip with its next statement.
//!
//! | file | holds |
//! |---|---|
//! | `interface` | the functions that guests call |
//! | `statements` | what those functions do with a connection |
//! | `types` | the types of the interface |
//! | `parameters`, `values`, `failure` | conversion of what goes in, comes out, goes wrong |
//! | `permission` | whether a component may open a connection string |
//! | `pool`, `session`, `transaction`, `tls` | the driver |

#![expect(
    clippy::result_large_err,
    reason = "the interface has the whole error of the server in its error type, and Wasmtime \
              cannot read a boxed one"
)]

mod failure;
mod interface;
mod parameters;
mod permission;
mod pool;
mod session;
mod statements;
mod tls;
mod transaction;
mod types;
mod values;

pub(crate) use interface::add_to_linker;
pub(crate) use pool::{Databases, MOST_CONNECTIONS, Pools};
