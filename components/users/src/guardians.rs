//! Guardians: who sees a student as a child (document 4, section 3.10), whatever the role of the account.

use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::role::Role;
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
    rule: None,
    requires_match: false,
    requires_key: false,
};

const READ: &[Verb] = &[Verb::List, Verb::Get];

/// Who may do what to guardians.
pub(crate) const POLICY: Policy = Policy {
    resource: "guardians",
    grants: &[
        Grant::new(Role::Student, READ),
        Grant::new(Role::Parent, READ),
        Grant::new(Role::Tutor, READ),
        Grant::new(Role::Supervisor, GUARDIANS.verbs),
        Grant::new(Role::Support, READ),
        Grant::new(Role::Finance, READ),
        Grant::new(Role::Admin, GUARDIANS.verbs),
    ],
};
