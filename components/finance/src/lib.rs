//! The component for finance records, balances, payroll, statements of account and the analytics of
//! centres.
//!
//! [`COMPONENT`] lists everything that it serves: its resources, its actions and its access table.
//! Requests are processed in `platform`.

mod analytics;
mod balance;
mod finance_records;
mod journal_entries;
mod payroll_runs;
mod reconciliation;
mod reversal;
mod statement;
mod totals;
mod tutor_rates;

use platform::auth::policy::Policy;
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::resource::Resource;

/// The resources with their plain verbs.
pub const RESOURCES: &[Resource] = &[
    finance_records::FINANCE_RECORDS,
    tutor_rates::TUTOR_RATES,
    payroll_runs::PAYROLL_RUNS,
];

/// The actions.
pub static ACTIONS: &[Action] = &[
    reversal::REVERSE,
    journal_entries::LIST,
    balance::GET,
    reconciliation::GET,
    statement::GET,
    payroll_runs::CREATE,
    payroll_runs::GET,
    payroll_runs::POST,
    analytics::CENTRES,
];

/// The access table.
pub const POLICIES: &[Policy] = &[
    finance_records::POLICY,
    tutor_rates::POLICY,
    payroll_runs::POLICY,
    analytics::POLICY,
];

/// The component.
pub static COMPONENT: Component = Component {
    name: "finance",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
    application: &domain::APPLICATION,
}
.checked();

platform::entry!(COMPONENT);
