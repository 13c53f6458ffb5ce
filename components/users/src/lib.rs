//! The component for accounts, authentication, tenants, centres, staff, guardians, privacy, events
//! and webhooks.
//!
//! [`COMPONENT`] lists everything that it serves: its resources, its actions and its access table.
//! Requests are processed in `platform`, and events are delivered to webhooks by the worker.

mod accounts;
mod auth;
mod centres;
mod events;
mod guardians;
mod hashing;
mod health;
mod password;
mod privacy;
mod profile;
mod regions;
mod staff;
mod tenants;
mod users;
mod webhooks;

use platform::auth::policy::Policy;
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::resource::Resource;

/// The resources with their plain verbs.
pub const RESOURCES: &[Resource] = &[
    tenants::TENANTS,
    centres::CENTRES,
    users::USERS,
    staff::STAFF,
    guardians::GUARDIANS,
    privacy::legal_holds::LEGAL_HOLDS,
    privacy::erasures::ERASURES,
    webhooks::WEBHOOKS,
];

/// The actions.
pub static ACTIONS: &[Action] = &[
    auth::sign_in::LOGIN,
    auth::sign_in::REFRESH,
    auth::sign_in::LOGOUT,
    auth::me::GET,
    auth::sessions::LIST,
    auth::sessions::REVOKE,
    auth::passwords::CHANGE,
    auth::passwords::RESET,
    auth::passwords::CONFIRM,
    auth::email::CONFIRM,
    accounts::CREATE,
    accounts::DEACTIVATE,
    accounts::ACTIVATE,
    events::LIST,
    privacy::subjects::EXPORT,
    privacy::subjects::ERASE,
    privacy::receipt::GET,
    webhooks::create::CREATE,
    webhooks::create::ROTATE_SECRET,
    webhooks::lifecycle::ENABLE,
    webhooks::lifecycle::DISABLE,
    webhooks::lifecycle::REPLAY,
    webhooks::deliveries::LIST,
    health::LIVE,
    health::READY,
    regions::LIST,
];

/// The access table.
pub const POLICIES: &[Policy] = &[
    tenants::POLICY,
    centres::POLICY,
    users::POLICY,
    staff::POLICY,
    guardians::POLICY,
    events::POLICY,
    privacy::legal_holds::POLICY,
    privacy::erasures::POLICY,
    privacy::subjects::POLICY,
    webhooks::POLICY,
];

/// The component.
pub static COMPONENT: Component = Component {
    name: "users",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
    application: &domain::APPLICATION,
}
.checked();

platform::entry!(COMPONENT);
