//! `lms openapi`: the OpenAPI document, made from the tables of the components.

use platform::declare::component::Component;
use serde_json::Value;

/// Every component with endpoints.
pub const COMPONENTS: [&Component; 4] = [
    &users::COMPONENT,
    &academics::COMPONENT,
    &finance::COMPONENT,
    &requests::COMPONENT,
];

/// The document of this version.
pub fn document() -> Value {
    platform::declare::openapi::document(&COMPONENTS, env!("CARGO_PKG_VERSION"))
}
