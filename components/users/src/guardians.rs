//! Guardians: the links by which an account of any role sees a student as a child. The accounts are
//! in [`crate::users`].

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A link between the account of an adult and a student.
pub(crate) const GUARDIANS: Resource = Resource {
    name: "guardians",
    table: "guardians",
    singular: "guardian",
    plural: "guardians",
    description: "A link between the account of a parent or guardian and a student. The account sees the student as a child.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The account of the parent or guardian. It can have any role but student.")
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
            "The relationship of the user to the student.",
        )
        .required()
        .filterable(),
        Field::new(
            "by_first_contact",
            Kind::Boolean,
            "Whether the link was created by naming the user as the student's first contact. Such a link ends when \
             another first contact is named.",
        )
        .read_only(),
    ],
    owner: Some("user_id"),
    verbs: verbs::PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// The grants on guardians.
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
