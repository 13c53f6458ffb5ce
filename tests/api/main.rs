//! Tests of the HTTP API, with a folder for each component and a file for each resource.

#![allow(missing_docs)]

mod academics;
mod conventions;
mod docs;
mod finance;
mod requests;
mod users;
