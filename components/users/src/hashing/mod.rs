//! Hashes of passwords: computed by the component `passwords`, or in this one where Spin cannot send
//! requests between components. The rules for passwords are in [`crate::password`].
//!
//! Service chaining works for WASI 0.3 from Spin 4.1 on
//! (<https://github.com/spinframework/spin/issues/3586>). In the components for Spin 4.0, hashing
//! keeps the instance of a request busy for some 25 ms.

#[cfg(spin_4_0)]
mod local;
#[cfg(not(spin_4_0))]
mod remote;

#[cfg(spin_4_0)]
pub(crate) use local::{hash, matches};
#[cfg(not(spin_4_0))]
pub(crate) use remote::{hash, matches};
