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

platform::entry!(COMPONENT);
