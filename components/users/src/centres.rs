//! Centres: the places of a tenant, each with its time zone and currency. The tenant's own settings
//! are in [`crate::tenants`].

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::declare::week;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// The parts of a postal address.
const ADDRESS: &[Field] = &[
    Field::new(
        "line1",
        Kind::Text { min: 1, max: 200 },
        "The street and number.",
    ),
    Field::new(
        "line2",
        Kind::Text { min: 1, max: 200 },
        "The second address line.",
    ),
    Field::new("city", Kind::Text { min: 1, max: 100 }, "The town or city."),
    Field::new(
        "region",
        Kind::Text { min: 1, max: 100 },
        "The state, county or province.",
    ),
    Field::new(
        "postal_code",
        Kind::Text { min: 1, max: 20 },
        "The postal code.",
    ),
    Field::new(
        "country",
        Kind::Text { min: 2, max: 2 },
        "The ISO 3166-1 alpha-2 country code.",
    ),
];

/// A day on which the centre is closed.
const HOLIDAY: &[Field] = &[
    Field::new("date", Kind::Date, "The date of the holiday.").required(),
    Field::new(
        "name",
        Kind::Text { min: 1, max: 200 },
        "The name of the holiday.",
    )
    .required(),
];

/// A centre.
pub(crate) const CENTRES: Resource = Resource {
    name: "centres",
    table: "centres",
    singular: "centre",
    plural: "centres",
    description: "A centre of the organisation, where lessons take place.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 200 }, "The name of the centre.")
            .required()
            .sortable(),
        Field::new("code", Kind::Slug, "A short code, unique within the tenant.")
            .required()
            .sortable(),
        Field::new("time_zone", Kind::TimeZone, "The IANA time zone of the centre.")
            .required()
            .filterable(),
        Field::new(
            "currency",
            Kind::Currency,
            "The default currency of the centre's finance records.",
        )
        .required()
        .filterable(),
        Field::new("address", Kind::Object(ADDRESS), "The postal address.").default("'{}'::jsonb"),
        Field::new("phone", Kind::Phone, "The telephone number.").nullable(),
        Field::new("email", Kind::Email, "The e-mail address.").nullable(),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether the centre is open (`active`) or closed (`inactive`).",
        )
        .default("'active'")
        .filterable(),
        Field::new(
            "working_hours",
            Kind::Rows(week::WINDOW),
            "The weekly hours during which requests are handled, as local time in the centre's time zone. Defaults to \
             Monday to Friday from 09:00 to 17:00. With an empty list, every hour counts.",
        )
        .default("lms.default_working_hours()"),
        Field::new(
            "holidays",
            Kind::Rows(HOLIDAY),
            "The days on which requests are not handled.",
        )
        .default("'[]'::jsonb"),
    ],
    owner: None,
    verbs: verbs::PLAIN,
    validate: Some(validate),
    requires_match: false,
    requires_key: false,
};

const BASIC_FIELDS: &[&str] = &["name", "time_zone"];

/// The grants on centres.
pub(crate) const POLICY: Policy = Policy {
    resource: "centres",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::PARENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::TUTOR, verbs::READ),
        Grant::new(role::ASSESSOR, verbs::READ),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::SUPPORT, verbs::READ_EXPORT),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, CENTRES.verbs),
    ],
};

/// Checks that working hours end after they begin, and that each holiday is given once.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let mut errors = week::invalid_windows(values.get("working_hours"), "/working_hours");
    let holidays = values.get("holidays").and_then(Value::as_array);
    let dates: Vec<&Value> = holidays
        .into_iter()
        .flatten()
        .map(|holiday| &holiday["date"])
        .collect();
    let repeated = (1..dates.len()).filter(|index| dates[..*index].contains(&dates[*index]));
    errors.extend(repeated.map(|index| {
        let at = format!("/holidays/{index}/date");
        FieldError::new(at, "duplicate", "The day was given twice.")
    }));
    errors
}
