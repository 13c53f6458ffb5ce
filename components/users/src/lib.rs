//! Accounts, sign-in, tenants, centres, staff, guardians, privacy, reading the event log, and webhooks, which are told of it.
//!
//! What this component serves stands in [`COMPONENT`]: resources declared, actions written by hand, and the
//! access table.

mod accounts;
mod auth;
mod centres;
mod events;
mod guardians;
mod health;
mod password;
mod privacy;
mod profile;
mod staff;
mod tenants;
mod users;
mod webhooks;

use platform::auth::policy::Policy;
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::resource::Resource;

/// The resources with plain verbs.
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

/// The endpoints written by hand.
pub static ACTIONS: &[Action] = &[
    auth::sign_in::LOGIN,
    auth::sign_in::REFRESH,
    auth::sign_in::LOGOUT,
    auth::own::ME,
    auth::own::SESSIONS,
    auth::own::REVOKE,
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
    webhooks::making::CREATE,
    webhooks::making::ROTATE_SECRET,
    webhooks::moves::ENABLE,
    webhooks::moves::DISABLE,
    webhooks::moves::REPLAY,
    webhooks::deliveries::LIST,
    health::LIVE,
    health::READY,
    health::REGIONS,
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

/// The component's whole table.
pub static COMPONENT: Component = Component {
    name: "users",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
    application: &domain::APPLICATION,
}
.checked();

platform::entry!(COMPONENT);
