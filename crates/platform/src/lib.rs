//! What every component shares: the way of a request from its bytes to one statement and back.
//!
//! This crate knows no school noun. A component hands over a [`Component`](declare::component::Component), its
//! constant table of resources, actions and grants, and [`pipeline::handle`] does the rest. Everything
//! here is pure and runs natively, except [`spin`], which is the only room that does input and output.

pub mod auth;
pub mod declare;
#[cfg(test)]
mod fixture;
pub mod http;
pub mod pipeline;
pub mod settings;
pub mod spin;
pub mod sql;
pub mod values;
