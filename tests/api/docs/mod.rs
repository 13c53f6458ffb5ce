//! Tests of the component `docs`: the OpenAPI document and the reference page.

mod document_and_page;
mod openapi_validation;
mod reference_page;
