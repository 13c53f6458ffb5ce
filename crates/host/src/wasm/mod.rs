//! Components on Wasmtime: compilation, instances, and the interfaces that a component imports.
//! `spin:postgres` is implemented in `postgres`, and clients' requests reach components through
//! `server`.
//!
//! | module | holds |
//! |---|---|
//! | `engine` | the Wasmtime engine and its instance pool |
//! | `compilation_cache` | compiled components on disk |
//! | `release_candidate` | components built for Spin 4.0 |
//! | `component` | the settings of a component |
//! | `state`, `linker` | the state of an instance, and the imports that it is linked with |
//! | `instance` | the life of an instance: creation, reuse, expiry |
//! | `instance_count` | how many instances exist |
//! | `traced_requests` | the requests of an instance whose traces are recorded |
//! | `memory`, `guest_output` | linear memory, standard output and error |
//! | `variables`, `outbound_http` | the imports `spin:variables` and `wasi:http` |
//! | `services`, `service_span` | service chaining: requests of one component to another |

mod compilation_cache;
mod component;
mod engine;
mod guest_event;
mod guest_output;
mod instance;
mod instance_count;
mod linker;
mod memory;
mod outbound_http;
mod release_candidate;
mod service_span;
mod services;
mod state;
mod traced_requests;
mod variables;

pub(crate) use compilation_cache::CompilationCache;
pub(crate) use component::ComponentSettings;
pub(crate) use engine::{MAX_INSTANCES, new as new_engine};
pub(crate) use instance::InstanceFactory;
pub(crate) use linker::new as new_linker;
pub(crate) use services::{Services, thread_count as service_thread_count};
pub(crate) use state::InstanceState;
pub(crate) use traced_requests::TracedRequests;
