//! Every test over HTTP, in one program: one file for each resource or subject.

#![allow(missing_docs)]

mod access;
mod accounts;
mod assign_tutor;
mod auth;
mod bad_input;
mod catalog;
mod centres;
mod conditions;
mod csv;
mod database_interface;
mod database_tls;
mod events;
mod exports;
mod faults;
mod filters;
mod golden;
mod guardians;
mod headers;
mod health;
mod idempotency;
mod imports;
mod isolation;
mod lists;
mod media_types;
mod methods;
mod odd_requests;
mod openapi;
mod origins;
mod passwords;
mod people;
mod reference;
mod reference_page;
mod rows;
mod slow_clients;
mod slow_database;
mod staff;
mod statements;
mod stops;
mod students;
mod tenants;
mod tokens;
mod users;
mod wire;
