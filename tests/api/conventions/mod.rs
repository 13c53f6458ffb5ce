//! Tests of the conventions that all resources share: bodies, lists, filters, headers and files.

mod ambiguous_requests;
mod conditional_requests;
mod cross_origin_requests;
mod default_dates;
mod exports;
mod filters;
mod headers;
mod imports;
mod invalid_bodies;
mod large_imports;
pub(crate) mod lists;
mod malformed_requests;
mod media_types;
mod methods;
mod name_sorting;
mod single_line_text;
mod streamed_imports;
