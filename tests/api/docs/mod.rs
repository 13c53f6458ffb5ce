//! The component `docs`: the OpenAPI document and the reference page.

mod openapi;
mod problem_pages;
mod reference;
mod reference_page;
