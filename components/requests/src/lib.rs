//! Requests, inventory and notifications.
//!
//! Its resources are declared from here on; until they are, every path is answered 404 as anywhere else.

use platform::component::Component;

/// The component's whole table.
pub static COMPONENT: Component = Component {
    name: "requests",
    resources: &[],
    actions: &[],
    policies: &[],
}
.checked();

/// The entry of every request that the host sends here.
#[cfg(target_family = "wasm")]
#[spin_sdk::http_service]
async fn handle(
    request: spin_sdk::http::Request,
) -> spin_sdk::http::Response<spin_sdk::http::FullBody<bytes::Bytes>> {
    platform::spin::serve(&COMPONENT, request).await
}
