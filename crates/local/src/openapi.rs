//! `lms openapi`: generates the OpenAPI document from the components' declarations.
//! The generator itself is in `platform::declare::openapi`.

use platform::declare::component::Component;
use serde_json::Value;

/// The components that have endpoints.
pub const COMPONENTS: [&Component; 4] = [
    &users::COMPONENT,
    &academics::COMPONENT,
    &finance::COMPONENT,
    &requests::COMPONENT,
];

/// Returns the document of this version.
pub fn document() -> Value {
    platform::declare::openapi::document(&COMPONENTS, env!("CARGO_PKG_VERSION"))
}
