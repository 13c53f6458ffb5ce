//! What every component shares: the way of a request from its bytes to one statement and back.
//!
//! This crate knows no school noun. A component hands over a [`Component`](component::Component), its
//! constant table of resources, actions and grants, and [`pipeline::handle`] does the rest. Everything
//! here is pure and runs natively, except [`spin`], which is the only module that does input and output.

pub mod action;
pub mod caller;
pub mod client_address;
pub mod collation;
pub mod component;
pub mod conditions;
pub mod context;
pub mod cursor;
pub mod database;
pub mod days;
pub mod email;
mod entry;
pub mod export;
pub mod field;
pub mod filter;
#[cfg(test)]
mod fixture;
pub mod headers;
mod hmac_provider;
pub mod idempotency;
pub mod import;
pub mod intake;
pub mod listing;
pub mod money;
pub mod network;
#[cfg(not(target_family = "wasm"))]
pub mod openapi;
mod passage;
pub mod pipeline;
pub mod policy;
pub mod problem;
pub mod projection;
pub mod query;
pub mod random;
pub mod request;
pub mod resource;
pub mod response;
pub mod role;
pub mod router;
pub mod service;
pub mod settings;
#[cfg(target_family = "wasm")]
pub mod spin;
pub mod sql;
pub mod sqlstate;
mod statement_cache;
pub mod statements;
pub mod token;
pub mod validation;
mod verbs;
pub mod week;
pub mod zones;
