//! Centres: the places of a tenant, each with its zone and currency.

use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::role::Role;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::Purpose;
use platform::declare::week;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

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

/// A day on which nobody works.
const HOLIDAY: &[Field] = &[
    Field::new("date", Kind::Date, "The day.").required(),
    Field::new("name", Kind::Text { min: 1, max: 200 }, "What it is.").required(),
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
        Field::new(
            "working_hours",
            Kind::Rows(week::WINDOW),
            "When requests are worked on, on the clock of the zone: Monday to Friday from nine to five where nothing is \
             said; of an empty list every hour counts.",
        )
        .default("lms.default_working_hours()"),
        Field::new(
            "holidays",
            Kind::Rows(HOLIDAY),
            "Days on which requests are not worked on.",
        )
        .default("'[]'::jsonb"),
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
    rule: Some(rule),
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

/// Working hours end after they begin, and a holiday comes once.
fn rule(values: &mut Map<String, Value>, _purpose: Purpose) -> Vec<FieldError> {
    let mut errors = week::wrong_windows(values.get("working_hours"), "/working_hours");
    let holidays = values.get("holidays").and_then(Value::as_array);
    let dates: Vec<&Value> = holidays
        .into_iter()
        .flatten()
        .map(|holiday| &holiday["date"])
        .collect();
    let repeated = (1..dates.len()).filter(|index| dates[..*index].contains(&dates[*index]));
    errors.extend(repeated.map(|index| {
        let at = format!("/holidays/{index}/date");
        FieldError::new(at, "duplicate", "This day came before.")
    }));
    errors
}
