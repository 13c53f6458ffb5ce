//! Every test over HTTP, in one program: one file for each resource or subject.

#![allow(missing_docs)]

mod health;
mod access;
mod catalog;
mod golden;
mod statements;
