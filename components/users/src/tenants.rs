//! Tenants: the organisation that one belongs to. Others' are never seen; making one is the operator's work.

use domain::{region, role};
use platform::auth::policy::{Fields, Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::{self, WriteMode};
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// When a badge is awarded by itself.
const BADGE_RULE: &[Field] = &[
    Field::new("badge", Kind::Text { min: 1, max: 200 }, "The badge.").required(),
    Field::new(
        "when",
        Kind::OneOf(&["attendance_streak", "points_reached"]),
        "What is counted: lessons attended since the last absence, or all points.",
    )
    .required(),
    Field::new(
        "count",
        Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        "How many it takes.",
    )
    .required(),
];

/// Minutes of working time.
const MINUTES: Kind = Kind::Integer {
    min: 1,
    max: 100_000,
};

/// The time allowed for the requests of a type.
const DUE_TIME: &[Field] = &[
    Field::new("high", MINUTES, "For those of high priority."),
    Field::new("medium", MINUTES, "For those of medium priority."),
    Field::new("low", MINUTES, "For those of low priority."),
];

/// The time allowed for requests.
const DUE_TIMES: &[Field] = &[
    Field::new("it", Kind::Object(DUE_TIME), "For it."),
    Field::new("inventory", Kind::Object(DUE_TIME), "For inventory."),
    Field::new("complaint", Kind::Object(DUE_TIME), "For complaints."),
    Field::new("reschedule", Kind::Object(DUE_TIME), "For rescheduling."),
    Field::new("maintenance", Kind::Object(DUE_TIME), "For maintenance."),
];

/// The members of the settings that something is made of; what else is in them is the tenant's own business.
const SETTINGS: &[Field] = &[
    Field::new(
        "badges",
        Kind::Rows(BADGE_RULE),
        "Badges that are awarded by themselves, once each.",
    ),
    Field::new(
        "due_times",
        Kind::Object(DUE_TIMES),
        "Minutes of working time in which requests are due.",
    ),
    Field::new(
        "language",
        Kind::Language,
        "What notifications are written in where the user prefers nothing that there are words in.",
    ),
];

/// One's own tenant.
pub(crate) const TENANTS: Resource = Resource {
    name: "tenants",
    table: "tenants",
    singular: "tenant",
    description: "The organisation that the caller belongs to.",
    fields: &[
        Field::new("name", Kind::Text { min: 1, max: 200 }, "The name.").required(),
        Field::new("slug", Kind::Slug, "The name used to sign in.").read_only(),
        Field::new("region", Kind::OneOf(&region::ALL), "Where its data lives.").read_only(),
        Field::new(
            "retention_class",
            Kind::OneOf(&["standard", "regulated"]),
            "How long its data is kept.",
        )
        .read_only(),
        Field::new(
            "settings",
            Kind::Json { bytes: 65_536 },
            "The tenant's settings. Its member badges lists rules {badge, when, count} by which badges are awarded: \
             when is attendance_streak or points_reached. Its member due_times has, by type and priority of a request \
             ({\"it\": {\"high\": 240}}), the minutes of working time in which it is due. Its member language is \
             what notifications are written in for those who prefer no other.",
        ),
        Field::new(
            "status",
            Kind::OneOf(&["active", "inactive"]),
            "Whether its users can sign in.",
        )
        .read_only(),
    ],
    owner: None,
    verbs: verbs::READ_UPDATE,
    validate: Some(validate),
    requires_match: false,
    requires_key: false,
};

const NAMES: &[&str] = &["name", "slug"];

/// Who may do what to tenants.
pub(crate) const POLICY: Policy = Policy {
    resource: "tenants",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).reading(NAMES),
        Grant::new(role::PARENT, verbs::READ).reading(NAMES),
        Grant::new(role::TUTOR, verbs::READ),
        Grant::new(role::ASSESSOR, verbs::READ),
        Grant::new(role::SUPERVISOR, verbs::READ),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ),
        Grant::new(role::ADMIN, verbs::READ_UPDATE),
    ],
};

/// Checks the settings that something is made of.
fn validate(values: &mut Map<String, Value>, mode: WriteMode) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let Some(Value::Object(settings)) = values.get_mut("settings") else {
        return errors;
    };
    for field in SETTINGS {
        // Null takes the member out (RFC 7396).
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
