//! The few nouns that several components share: the roles of users, and the regions of tenants.
//!
//! What belongs to one component alone is in that component; what knows no school noun is in `platform`.

pub mod region;
pub mod role;

use platform::declare::component::Application;

/// The application that the components are parts of.
pub static APPLICATION: Application = Application {
    title: "LMS for tutoring centres",
    roles: &role::ALL,
    regions: &region::ALL,
};
