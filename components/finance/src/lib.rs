//! Finance records, balances and centre financials.
//!
//! Its resources are declared from here on; until they are, every path is answered 404 as anywhere else.

use platform::component::Component;

/// The component's whole table.
pub static COMPONENT: Component = Component {
    name: "finance",
    resources: &[],
    actions: &[],
    policies: &[],
}
.checked();

platform::entry!(COMPONENT);
