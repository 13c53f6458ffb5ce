//! Conventions that every resource keeps: bodies, lists, filters, headers, files.

mod bad_input;
mod conditions;
mod days;
mod exports;
mod filters;
mod headers;
mod imports;
mod large_imports;
pub(crate) mod lists;
mod media_types;
mod methods;
mod odd_requests;
mod order_of_names;
mod origins;
mod refused_forms;
mod single_lines;
