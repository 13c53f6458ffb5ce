//! Legal holds: the persons who must not be erased. The erasure, which respects them, is in
//! `subjects`.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A legal hold on a person.
pub(crate) const LEGAL_HOLDS: Resource = Resource {
    name: "legal-holds",
    table: "legal_holds",
    singular: "legal hold",
    plural: "legal holds",
    description: "A legal hold on a person. Neither the person nor their parents and guardians can be erased until the \
        hold is deleted.",
    fields: &[
        Field::new(
            "user_id",
            Kind::Reference("users"),
            "The account of the person.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "reason",
            Kind::Multiline { min: 1, max: 1000 },
            "The reason for the hold. It is shown to anyone who tries to erase the person.",
        )
        .required(),
    ],
    owner: None,
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Create,
        Verb::Update,
        Verb::Delete,
        Verb::Restore,
        Verb::Export,
    ],
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// The grants on legal holds.
pub(crate) const POLICY: Policy = Policy {
    resource: "legal-holds",
    grants: &[Grant::new(role::ADMIN, LEGAL_HOLDS.verbs)],
};
