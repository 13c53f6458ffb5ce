//! The component `docs`: the OpenAPI document and the reference page.

mod openapi;
mod reference;
mod reference_page;
