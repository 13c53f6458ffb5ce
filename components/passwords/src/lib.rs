//! The passwords component: hashes a password, or checks one against a hash. It has no route of its own, no database and no
//! secret; other components ask it through Spin's service chaining.
//!
//! Hashing takes some 25 ms of computing, during which an instance answers nobody else. So it has instances, and in the
//! embedded host threads, of its own.
//!
//! | question | answer |
//! |---|---|
//! | `/hash`: `{"password"}` | `{"hash"}`, in PHC string format |
//! | `/match`: `{"password", "hash"}` | `{"matches"}`; false when `hash` is null, after the same time |

pub mod hashing;
mod service;

pub use service::answer;

platform::entry!(request => platform::spin::http::serve_questions("passwords", answer, request));
