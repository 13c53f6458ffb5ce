//! The HTTP interface, one folder for each component and one file for each resource.

#![allow(missing_docs)]

mod academics;
mod conventions;
mod docs;
mod finance;
mod requests;
mod users;
