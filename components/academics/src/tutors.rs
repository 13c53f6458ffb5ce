//! Tutors: their profiles, subjects and availability. The account of a tutor is in the component
//! `users`, and the computation of free time is in [`crate::free_slots`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::declare::week;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// A subject that a tutor teaches.
pub(crate) const SUBJECT: &[Field] = &[
    Field::new(
        "subject",
        Kind::Text { min: 1, max: 100 },
        "The subject, such as mathematics.",
    )
    .required(),
    Field::new(
        "level",
        Kind::Text { min: 1, max: 100 },
        "The level. Null means every level.",
    )
    .nullable(),
];

/// A day, or a part of a day, that departs from the weekly windows.
const EXCEPTION: &[Field] = &[
    Field::new("date", Kind::Date, "The date of the exception.").required(),
    Field::new(
        "available",
        Kind::Boolean,
        "Whether the tutor is available on that date.",
    )
    .required(),
    Field::new(
        "start",
        Kind::TimeOfDay,
        "The start of the window, as local time. Without `start` and `end`, the exception covers the whole day.",
    ),
    Field::new(
        "end",
        Kind::TimeOfDay,
        "The end of the window, as local time.",
    ),
];

/// The availability of a tutor.
const AVAILABILITY: &[Field] = &[
    Field::new(
        "weekly",
        Kind::Rows(week::WINDOW),
        "The windows of every week.",
    ),
    Field::new(
        "exceptions",
        Kind::Rows(EXCEPTION),
        "Dates that differ from the weekly windows. Unavailable exceptions take precedence over available ones.",
    ),
];

/// A tutor.
pub(crate) const TUTORS: Resource = Resource {
    name: "tutors",
    table: "tutors",
    singular: "tutor",
    plural: "tutors",
    description: "A tutor's profile.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The user account.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "name",
            Kind::Text { min: 1, max: 200 },
            "The name of the account.",
        )
        .read_only()
        .sortable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .filterable(),
        Field::new(
            "subjects",
            Kind::Rows(SUBJECT),
            "The subjects that the tutor teaches, each with its level.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "max_students",
            Kind::Integer { min: 0, max: 1000 },
            "The maximum number of students that can be assigned to the tutor.",
        )
        .default("10")
        .filterable(),
        Field::new(
            "current_students",
            Kind::Integer { min: 0, max: 1000 },
            "The number of students assigned to the tutor.",
        )
        .read_only()
        .filterable(),
        Field::new(
            "availability",
            Kind::Object(AVAILABILITY),
            "The times at which the tutor can be booked, in the centre's time zone. Times that are not listed are unavailable.",
        )
        .default("'{}'::jsonb"),
    ],
    owner: Some("user_id"),
    validate: Some(validate),
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// Lists the free slots of a tutor.
pub(crate) const FREE_SLOTS_VERB: Verb = Verb::Action("free-slots");
/// Searches for tutors by subject and free time.
pub(crate) const SEARCH_VERB: Verb = Verb::Action("search");

const BASIC_FIELDS: &[&str] = &["name", "subjects"];
const SEARCH_SLOTS: &[Verb] = &[FREE_SLOTS_VERB, SEARCH_VERB];
const OWN_SLOTS: &[Verb] = &[FREE_SLOTS_VERB];

/// The grants on tutors.
pub(crate) const POLICY: Policy = Policy {
    resource: "tutors",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::PARENT, verbs::READ).reading(BASIC_FIELDS),
        Grant::new(role::TUTOR, verbs::READ_UPDATE)
            .with_verbs(OWN_SLOTS)
            .writing(&["availability"]),
        Grant::new(role::ASSESSOR, verbs::READ).with_verbs(SEARCH_SLOTS),
        Grant::new(role::SUPERVISOR, verbs::PLAIN).with_verbs(SEARCH_SLOTS),
        Grant::new(role::SUPPORT, verbs::READ).with_verbs(SEARCH_SLOTS),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).with_verbs(SEARCH_SLOTS),
        Grant::new(role::ADMIN, verbs::PLAIN).with_verbs(SEARCH_SLOTS),
    ],
};

/// Checks that windows end after they begin.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let availability = values.get("availability");
    let part = |name: &str| {
        let windows = availability.and_then(|availability| availability.get(name));
        week::invalid_windows(windows, &format!("/availability/{name}"))
    };
    [part("weekly"), part("exceptions")].concat()
}
