//! The HTTP/1 server: from a client's connection to its response. Components run in `wasm`, and
//! `admission` decides which requests may run.
//!
//! | module | holds |
//! |---|---|
//! | `threads` | the accept loop and the serving threads |
//! | `connection` | one thread's connections |
//! | `handler` | the path of a request through the modules below |
//! | `router` | the component for a path |
//! | `request_head`, `spin_headers` | validation of the head, and the headers that Spin adds |
//! | `request_body`, `response_body` | buffering and streaming of bodies |
//! | `min_rate`, `min_rate_stream` | timeouts for clients that send or read too slowly |
//! | `connection_limit`, `drain` | connections of each client address, graceful shutdown |
//! | `metrics`, `traces` | the instruments for requests, and their spans |
//! | `request_log`, `trace_id` | the events about requests, and the ids of traces |
//! | `tenant` | the tenant of a request, which its component names |
//! | `problem`, `request_id` | the host's own error responses, and the ids of requests |

mod connection;
mod connection_limit;
mod drain;
mod handler;
mod metrics;
mod min_rate;
mod min_rate_stream;
mod problem;
mod request_body;
mod request_head;
mod request_id;
mod request_log;
mod response_body;
mod router;
mod spin_headers;
mod tenant;
mod threads;
mod trace_id;
mod traces;

pub(crate) use connection_limit::ConnectionLimit;
pub(crate) use drain::Drain;
pub(crate) use handler::RequestHandler;
pub(crate) use metrics::RequestMetrics;
pub(crate) use router::Router;
pub(crate) use threads::{count as thread_count, serve};
