//! Finance records, balances and centre financials.
//!
//! What this component serves stands in [`COMPONENT`]: resources declared, actions written by hand, and the
//! access table.

mod analytics;
mod balance;
mod finance_records;
mod lines;
mod reconciliation;
mod reversal;

use platform::action::Action;
use platform::component::Component;
use platform::policy::Policy;
use platform::resource::Resource;

/// The resources with plain verbs.
pub const RESOURCES: &[Resource] = &[finance_records::FINANCE_RECORDS];

/// The endpoints written by hand.
pub static ACTIONS: &[Action] = &[
    reversal::REVERSE,
    lines::SHOW,
    balance::SHOW,
    reconciliation::SHOW,
    analytics::CENTRES,
];

/// The access table.
pub const POLICIES: &[Policy] = &[finance_records::POLICY, analytics::POLICY];

/// The component's whole table.
pub static COMPONENT: Component = Component {
    name: "finance",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
}
.checked();

platform::entry!(COMPONENT);
