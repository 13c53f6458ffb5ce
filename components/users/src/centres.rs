//! Centres: the places of a tenant, each with its zone and currency.

use platform::field::{Field, Kind};
use platform::policy::{Grant, Policy, Verb};
use platform::resource::Resource;
use platform::role::Role;

/// The parts of a postal address.
const ADDRESS: &[Field] = &[
    Field::new(
        "line1",
        Kind::Text { min: 1, max: 200 },
        "Street and number.",
    ),
    Field::new("line2", Kind::Text { min: 1, max: 200 }, "Further line."),
    Field::new("city", Kind::Text { min: 1, max: 100 }, "City."),
    Field::new(
        "region",
        Kind::Text { min: 1, max: 100 },
        "State, county or province.",
    ),
    Field::new(
        "postal_code",
        Kind::Text { min: 1, max: 20 },
        "Postal code.",
    ),
    Field::new(
        "country",
        Kind::Text { min: 2, max: 2 },
        "ISO 3166-1 alpha-2 code.",
    ),
];

/// A place where lessons are given.
pub(crate) const CENTRES: Resource = Resource {
    name: "centres",
    table: "centres",
    singular: "centre",
    description: "A place of the tenant where lessons are given.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 200 }, "The name.")
            .required()
            .sortable(),
        Field::new("code", Kind::Slug, "A short name, unique in the tenant.")
            .required()
            .sortable(),
        Field::new("time_zone", Kind::TimeZone, "The IANA time zone it keeps.")
            .required()
            .filterable(),
        Field::new(
            "currency",
            Kind::Currency,
            "The currency it keeps its books in.",
        )
        .required()
        .filterable(),
        Field::new("address", Kind::Object(ADDRESS), "The postal address.").default("'{}'::jsonb"),
        Field::new("phone", Kind::Phone, "The telephone number.").nullable(),
        Field::new("email", Kind::Email, "The e-mail address.").nullable(),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether it is open.",
        )
        .default("'active'")
        .filterable(),
    ],
    owner: None,
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
const READ_ALL: &[Verb] = &[Verb::List, Verb::Get, Verb::Export];
const NAMES: &[&str] = &["name", "time_zone"];

/// Who may do what to centres.
pub(crate) const POLICY: Policy = Policy {
    resource: "centres",
    grants: &[
        Grant::new(Role::Student, READ).reading(NAMES),
        Grant::new(Role::Parent, READ).reading(NAMES),
        Grant::new(Role::Tutor, READ),
        Grant::new(Role::Assessor, READ),
        Grant::new(Role::Supervisor, READ_ALL),
        Grant::new(Role::Support, READ_ALL),
        Grant::new(Role::Finance, READ_ALL),
        Grant::new(Role::Admin, CENTRES.verbs),
    ],
};
