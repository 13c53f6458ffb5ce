//! Guardians: which parent or guardian a student has (document 4, section 3.10).

use platform::field::{Field, Kind};
use platform::policy::{Grant, Policy, Verb};
use platform::resource::Resource;
use platform::role::Role;

/// A link between a parent's account and a student.
pub(crate) const GUARDIANS: Resource = Resource {
    name: "guardians",
    table: "guardians",
    singular: "guardian",
    description: "A link between a parent's account and a student.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The parent's account.")
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
