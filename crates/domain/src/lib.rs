//! The few nouns that several components share: the roles of users, the regions of tenants, and
//! the length of passwords. A noun of one component alone is in that component, and everything that
//! knows no school noun is in `platform`.

pub mod password;
pub mod region;
pub mod role;

use platform::declare::component::Application;

/// The application to which the components belong.
pub static APPLICATION: Application = Application {
    title: "LMS for tutoring centres",
    roles: &role::ALL,
    regions: &region::ALL,
    groups: &[
        (
            "auth",
            "Signing in and out, sessions, passwords and changes of e-mail addresses.",
        ),
        ("events", "The tenant's event log."),
        ("privacy", "Exporting and erasing a person's data."),
        ("health", "Liveness and readiness."),
        ("regions", "The regions of the service."),
        (
            "calendar",
            "Lessons of all classes in a period, and calendar feeds.",
        ),
        (
            "analytics",
            "Figures about students, tutors and centres, as of their last refresh.",
        ),
        ("request-comments", "Comments on requests."),
    ],
};
