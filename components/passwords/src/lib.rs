//! The passwords component: hashes a password, or checks one against a hash. It has no public
//! route, no database and no secret; other components call it through Spin's service chaining.
//!
//! Hashing takes about 25 ms of computation, during which an instance serves nothing else. For that
//! reason it has instances of its own, and threads of its own in the embedded host.
//!
//! | request | response |
//! |---|---|
//! | `/hash`: `{"password"}` | `{"hash"}`, in PHC string format |
//! | `/match`: `{"password", "hash"}` | `{"matches"}`; false when `hash` is null, after the same time |

mod service;

pub use service::respond;

platform::entry!(request => platform::spin::http::serve_service_requests("passwords", respond, request));
