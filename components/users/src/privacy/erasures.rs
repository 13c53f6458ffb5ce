//! Erasures: the record of erased persons, for those who must account for it. Erasing itself is in
//! `subjects`.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// An erasure.
pub(crate) const ERASURES: Resource = Resource {
    name: "erasures",
    table: "erasures",
    singular: "erasure",
    plural: "erasures",
    description: "A record that a person was erased. Created by `POST /v1/privacy/subjects/{id}/erase` and never changed.",
    fields: &[
        Field::new(
            "user_id",
            Kind::Reference("users"),
            "The account that remains after the erasure.",
        )
        .read_only()
        .filterable(),
        Field::new(
            "reason",
            Kind::Multiline { min: 1, max: 1000 },
            "The reason for the erasure.",
        )
        .read_only(),
        Field::new(
            "counts",
            Kind::Json { bytes: 4096 },
            "The number of rows changed or deleted, by table.",
        )
        .read_only(),
        Field::new(
            "events",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
            "The number of events in the event log in which personal data was replaced.",
        )
        .read_only(),
    ],
    owner: None,
    verbs: verbs::READ_EXPORT,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Gets the receipt of an erasure.
pub(crate) const RECEIPT_VERB: Verb = Verb::Action("receipt");

/// The grants on erasures.
pub(crate) const POLICY: Policy = Policy {
    resource: "erasures",
    grants: &[Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(&[RECEIPT_VERB])],
};
