//! Tenants: the organisation that one belongs to. Others' are never seen; making one is the operator's work.

use platform::field::{Field, Kind};
use platform::policy::{Grant, Policy, Verb};
use platform::resource::Resource;
use platform::role::Role;

/// One's own tenant.
pub(crate) const TENANTS: Resource = Resource {
    name: "tenants",
    table: "tenants",
    singular: "tenant",
    description: "The organisation that the caller belongs to.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 200 }, "The name.").required(),
        Field::new("slug", Kind::Slug, "The name used to sign in.").read_only(),
        Field::new(
            "region",
            Kind::OneOf(&["eu", "au", "us"]),
            "Where its data lives.",
        )
        .read_only(),
        Field::new(
            "retention_class",
            Kind::OneOf(&["standard", "regulated"]),
            "How long its data is kept.",
        )
        .read_only(),
        Field::new(
            "settings",
            Kind::Json { bytes: 65_536 },
            "The tenant's settings.",
        ),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether its users can sign in.",
        )
        .read_only(),
    ],
    owner: None,
    verbs: &[Verb::List, Verb::Get, Verb::Update],
    rule: None,
    requires_match: false,
    requires_key: false,
};

const READ: &[Verb] = &[Verb::List, Verb::Get];
const NAMES: &[&str] = &["name", "slug"];

/// Who may do what to tenants.
pub(crate) const POLICY: Policy = Policy {
    resource: "tenants",
    grants: &[
        Grant::new(Role::Student, READ).reading(NAMES),
        Grant::new(Role::Parent, READ).reading(NAMES),
        Grant::new(Role::Tutor, READ),
        Grant::new(Role::Assessor, READ),
        Grant::new(Role::Supervisor, READ),
        Grant::new(Role::Support, READ),
        Grant::new(Role::Finance, READ),
        Grant::new(Role::Admin, &[Verb::List, Verb::Get, Verb::Update]),
    ],
};
