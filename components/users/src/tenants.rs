//! Tenants: the organisation of the caller and its settings. Other tenants are never visible, and
//! the operator creates them with `lms tenant`.

use domain::{region, role};
use platform::auth::policy::{Fields, Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::{self, WriteMode};
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// A rule by which a badge is awarded automatically.
const BADGE_RULE: &[Field] = &[
    Field::new("badge", Kind::Text { min: 1, max: 200 }, "The badge that is awarded.").required(),
    Field::new(
        "when",
        Kind::OneOf(&["attendance_streak", "points_reached"]),
        "What is counted: `attendance_streak` for lessons attended since the last absence, `points_reached` for all points.",
    )
    .required(),
    Field::new(
        "count",
        Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        "The count at which the badge is awarded.",
    )
    .required(),
];

/// A number of minutes of working time.
const MINUTES: Kind = Kind::Integer {
    min: 1,
    max: 100_000,
};

/// The due times of the requests of one type.
const DUE_TIME: &[Field] = &[
    Field::new(
        "high",
        MINUTES,
        "The minutes for requests of high priority.",
    ),
    Field::new(
        "medium",
        MINUTES,
        "The minutes for requests of medium priority.",
    ),
    Field::new("low", MINUTES, "The minutes for requests of low priority."),
];

/// The due times of requests.
const DUE_TIMES: &[Field] = &[
    Field::new(
        "it",
        Kind::Object(DUE_TIME),
        "The due times of IT requests.",
    ),
    Field::new(
        "inventory",
        Kind::Object(DUE_TIME),
        "The due times of inventory requests.",
    ),
    Field::new(
        "complaint",
        Kind::Object(DUE_TIME),
        "The due times of complaints.",
    ),
    Field::new(
        "reschedule",
        Kind::Object(DUE_TIME),
        "The due times of reschedule requests.",
    ),
    Field::new(
        "maintenance",
        Kind::Object(DUE_TIME),
        "The due times of maintenance requests.",
    ),
];

/// The members of the settings that the backend reads. The tenant may add others of its own.
const SETTINGS: &[Field] = &[
    Field::new(
        "badges",
        Kind::Rows(BADGE_RULE),
        "The rules by which badges are awarded automatically, once each.",
    ),
    Field::new(
        "due_times",
        Kind::Object(DUE_TIMES),
        "The minutes of working time within which requests are due, by type and priority.",
    ),
    Field::new(
        "language",
        Kind::Language,
        "The language of notifications for users who prefer no language that has a template.",
    ),
];

/// The caller's tenant.
pub(crate) const TENANTS: Resource = Resource {
    name: "tenants",
    table: "tenants",
    singular: "tenant",
    plural: "tenants",
    description: "The organisation to which the caller belongs.",
    fields: &[
        Field::new(
            "name",
            Kind::Text { min: 1, max: 200 },
            "The name of the organisation.",
        )
        .required(),
        Field::new("slug", Kind::Slug, "The short name used to sign in.").read_only(),
        Field::new(
            "region",
            Kind::OneOf(&region::ALL),
            "The region in which the organisation's data is stored.",
        )
        .read_only(),
        Field::new(
            "retention_class",
            Kind::OneOf(&["standard", "regulated"]),
            "The retention class, which determines how long the organisation's data is kept.",
        )
        .read_only(),
        Field::new(
            "settings",
            Kind::Json { bytes: 65_536 },
            "The tenant's settings. `badges` lists the rules `{badge, when, count}` by which badges are awarded, where \
             `when` is `attendance_streak` or `points_reached`. `due_times` has the minutes of working time within \
             which a request is due, by its type and priority, such as `{\"it\": {\"high\": 240}}`. `language` is the \
             language of notifications for users who prefer no other.",
        ),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether the organisation's users can sign in.",
        )
        .read_only(),
    ],
    owner: None,
    verbs: verbs::READ_UPDATE,
    validate: Some(validate),
    requires_match: false,
    requires_key: false,
};

const BASIC_FIELDS: &[&str] = &["name", "slug"];

/// The grants on tenants.
pub(crate) const POLICY: Policy = Policy {
    resource: "tenants",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::PARENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::TUTOR, verbs::READ),
        Grant::new(role::ASSESSOR, verbs::READ),
        Grant::new(role::SUPERVISOR, verbs::READ),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ),
        Grant::new(role::ADMIN, verbs::READ_UPDATE),
    ],
};

/// Checks the settings that the backend reads.
fn validate(values: &mut Map<String, Value>, mode: WriteMode) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(Value::Object(settings)) = values.get_mut("settings") else {
        return errors;
    };
    for field in SETTINGS {
        // Null removes the member (RFC 7396).
        let Some(value) = settings.get(field.name).filter(|value| !value.is_null()) else {
            continue;
        };
        let member = Map::from_iter([(field.name.to_owned(), value.clone())]);
        match validation::body(SETTINGS.iter(), Fields::All, mode, &member) {
            Ok(checked) => settings.extend(checked),
            Err(problem) => errors.extend(problem.errors.into_iter().map(|error| FieldError {
                pointer: format!("/settings{}", error.pointer),
                ..error
            })),
        }
    }
    errors
}
