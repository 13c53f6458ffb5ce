//! The component for requests, inventory and notifications.
//!
//! [`COMPONENT`] lists everything that it serves: its resources, its actions and its access table.
//! Requests are processed in `platform`, and notifications are sent by the worker.

mod child_lists;
mod comments;
mod inventory;
mod loans;
mod notification_preferences;
mod notification_templates;
mod notifications;
mod requests;
mod stock;
mod transitions;

use platform::auth::policy::Policy;
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::resource::Resource;

/// The resources with their plain verbs.
pub const RESOURCES: &[Resource] = &[
    requests::REQUESTS,
    inventory::INVENTORY,
    loans::INVENTORY_LOANS,
    notifications::NOTIFICATIONS,
    notification_templates::NOTIFICATION_TEMPLATES,
];

/// The actions.
pub static ACTIONS: &[Action] = &[
    transitions::ASSIGN,
    transitions::START,
    transitions::RESOLVE,
    transitions::CLOSE,
    transitions::REOPEN,
    comments::LIST,
    comments::CREATE,
    stock::ADJUST,
    stock::LIST,
    loans::LIST,
    loans::LEND,
    loans::RETURN,
    notification_preferences::GET,
    notification_preferences::UPDATE,
    notifications::RETRY,
];

/// The access table.
pub const POLICIES: &[Policy] = &[
    requests::POLICY,
    comments::POLICY,
    inventory::POLICY,
    loans::POLICY,
    notifications::POLICY,
    notification_templates::POLICY,
];

/// The component.
pub static COMPONENT: Component = Component {
    name: "requests",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
    application: &domain::APPLICATION,
}
.checked();

platform::entry!(COMPONENT);
