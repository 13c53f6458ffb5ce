//! Erasures: who was erased, when and why, for whoever has to account for it.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// An erasure that was made.
pub(crate) const ERASURES: Resource = Resource {
    name: "erasures",
    table: "erasures",
    singular: "erasure",
    description: "A person who was erased. Made by `POST /v1/privacy/subjects/{id}/erase`, and never changed.",
    fields: &[
        Field::new(
            "user_id",
            Kind::Reference("users"),
            "The account that is left.",
        )
        .read_only()
        .filterable(),
        Field::new("reason", Kind::Multiline { min: 1, max: 1000 }, "Why.").read_only(),
        Field::new(
            "counts",
            Kind::Json { bytes: 4096 },
            "How many rows of each table were changed or deleted.",
        )
        .read_only(),
        Field::new(
            "events",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
            "In how many events of the log something was replaced.",
        )
        .read_only(),
    ],
    owner: None,
    verbs: verbs::READ_EXPORT,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Reads the receipt.
pub(crate) const RECEIPT: Verb = Verb::Action("receipt");

/// Who may do what to erasures.
pub(crate) const POLICY: Policy = Policy {
    resource: "erasures",
    grants: &[Grant::new(role::ADMIN, verbs::READ_EXPORT).and(&[RECEIPT])],
};
