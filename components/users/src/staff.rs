//! Staff: the employment of those who work for the organisation. Their accounts are in
//! [`crate::users`].

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A staff member.
pub(crate) const STAFF: Resource = Resource {
    name: "staff",
    table: "staff",
    singular: "staff member",
    plural: "staff members",
    description: "A staff member of the organisation.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The user account.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "centre_id",
            Kind::Reference("centres"),
            "The centre. Null for staff who work for all centres.",
        )
        .nullable()
        .filterable(),
        Field::new("title", Kind::Text { min: 1, max: 200 }, "The job title.")
            .nullable()
            .filterable(),
        Field::new(
            "department",
            Kind::Text { min: 1, max: 200 },
            "The department.",
        )
        .nullable()
        .filterable(),
        Field::new("hired_on", Kind::Date, "The first day of work.")
            .nullable()
            .filterable(),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether the person currently works for the organisation.",
        )
        .default("'active'")
        .filterable(),
    ],
    owner: Some("user_id"),
    verbs: verbs::PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

const BASIC_FIELDS: &[&str] = &["user_id", "centre_id", "title"];

/// The grants on staff.
pub(crate) const POLICY: Policy = Policy {
    resource: "staff",
    grants: &[
        Grant::new(role::TUTOR, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::ASSESSOR, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::SUPERVISOR, STAFF.verbs),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, STAFF.verbs),
    ],
};
