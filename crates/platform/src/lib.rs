//! The path of a request from its bytes to one statement and back, which all components share.
//! School nouns are in `domain` and in the components.
//!
//! A component passes a [`Component`](declare::component::Component), its constant table of
//! resources, actions and grants, and [`pipeline::handle`] does the rest. Everything here is pure
//! and runs natively, except [`spin`], the only module that does input and output.

pub mod auth;
pub mod declare;
#[cfg(test)]
mod fixture;
pub mod http;
pub mod log;
pub mod pipeline;
pub mod settings;
pub mod spin;
pub mod sql;
pub mod values;
