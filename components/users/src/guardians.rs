//! Guardians: who sees a student as a child (document 4, section 3.10), whatever the role of the account.

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A link between a grown-up's account and a student.
pub(crate) const GUARDIANS: Resource = Resource {
    name: "guardians",
    table: "guardians",
    singular: "guardian",
    description: "A link between the account of a parent or guardian and a student, who is then seen as a child.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The account, in any role but student.")
            .required()
            .on_create()
            .filterable(),
        Field::new("student_id", Kind::Reference("students"), "The student.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "relationship",
            Kind::OneOf(&["parent", "guardian"]),
            "What the one is to the other.",
        )
        .required()
        .filterable(),
        Field::new(
            "by_first_contact",
            Kind::Boolean,
            "Whether it was made by naming the user as the student's first contact: then it ends when another is named.",
        )
        .read_only(),
    ],
    owner: Some("user_id"),
    verbs: verbs::PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Who may do what to guardians.
pub(crate) const POLICY: Policy = Policy {
    resource: "guardians",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ),
        Grant::new(role::PARENT, verbs::READ),
        Grant::new(role::TUTOR, verbs::READ),
        Grant::new(role::SUPERVISOR, GUARDIANS.verbs),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ),
        Grant::new(role::ADMIN, GUARDIANS.verbs),
    ],
};
