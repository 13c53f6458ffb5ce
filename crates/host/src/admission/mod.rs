//! Admission control: which requests may run at the same time, and how many bytes their bodies may
//! take in the host's memory. HTTP responses for rejected requests are made in `server`.
//!
//! | module | holds |
//! |---|---|
//! | `limits` | the concurrency limits and memory budgets for clients' requests |
//! | `fair_queue` | the queue for requests of one component to another |
//! | `in_flight` | an admitted request, until both its client and its guest are done with it |

pub(crate) mod fair_queue;
pub(crate) mod in_flight;
pub(crate) mod limits;
