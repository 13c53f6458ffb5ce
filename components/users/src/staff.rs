//! Staff: what the organisation knows of those who work for it, beyond their account.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A member of the staff.
pub(crate) const STAFF: Resource = Resource {
    name: "staff",
    table: "staff",
    singular: "staff member",
    description: "Someone who works for the organisation.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The account.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "centre_id",
            Kind::Reference("centres"),
            "The centre; none for those who work for all of them.",
        )
        .nullable()
        .filterable(),
        Field::new("title", Kind::Text { min: 1, max: 200 }, "The job's title.")
            .nullable()
            .filterable(),
        Field::new(
            "department",
            Kind::Text { min: 1, max: 200 },
            "The department.",
        )
        .nullable()
        .filterable(),
        Field::new("hired_on", Kind::Date, "The first day.")
            .nullable()
            .filterable(),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether the person works here now.",
        )
        .default("'active'")
        .filterable(),
    ],
    owner: Some("user_id"),
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Create,
        Verb::Update,
        Verb::Delete,
        Verb::Restore,
        Verb::Import,
        Verb::Export,
    ],
    validate: None,
    requires_match: false,
    requires_key: false,
};

const READ: &[Verb] = &[Verb::List, Verb::Get];
const READ_ALL: &[Verb] = &[Verb::List, Verb::Get, Verb::Export];
const NAMES: &[&str] = &["user_id", "centre_id", "title"];

/// Who may do what to staff.
pub(crate) const POLICY: Policy = Policy {
    resource: "staff",
    grants: &[
        Grant::new(role::TUTOR, READ).reading(NAMES),
        Grant::new(role::ASSESSOR, READ).reading(NAMES),
        Grant::new(role::SUPERVISOR, STAFF.verbs),
        Grant::new(role::SUPPORT, READ),
        Grant::new(role::FINANCE, READ_ALL),
        Grant::new(role::ADMIN, STAFF.verbs),
    ],
};
