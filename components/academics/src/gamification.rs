//! Gamification: the ledger of points and badges, which only grows. The leaderboard and the totals
//! of a student are in [`crate::leaderboard`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// The maximum number of points of one award.
const MAX_POINTS: i64 = 1_000_000;

/// An award.
pub(crate) const GAMIFICATION: Resource = Resource {
    name: "gamification",
    table: "gamification",
    singular: "award",
    plural: "awards",
    description: "An award of points, a badge or both to a student. Awards form an append-only ledger.",
    fields: &[
        Field::new("student_id", Kind::Reference("students"), "The student.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "points",
            Kind::Integer {
                min: -MAX_POINTS,
                max: MAX_POINTS,
            },
            "The points of this award. Negative points take back earlier ones and require a reason.",
        )
        .on_create()
        .default("0")
        .filterable(),
        Field::new("badge", Kind::Text { min: 1, max: 200 }, "The badge that is awarded.")
            .nullable()
            .on_create()
            .filterable(),
        Field::new(
            "metadata",
            Kind::Json { bytes: 16_384 },
            "Additional data to store with the award.",
        )
        .on_create()
        .default("'{}'::jsonb"),
        Field::new("reason", Kind::Multiline { min: 1, max: 1000 }, "The reason for the award. Required if points are taken back.")
            .nullable()
            .on_create(),
        Field::new(
            "by_rule",
            Kind::Boolean,
            "Whether the award was made by one of the tenant's badge rules.",
        )
        .read_only()
        .filterable(),
    ],
    owner: None,
    validate: Some(validate),
    verbs: &[
        Verb::List,
        Verb::Get,
        Verb::Create,
        Verb::Import,
        Verb::Export,
    ],
    requires_match: false,
    requires_key: false,
};

/// Gets the leaderboard.
pub(crate) const LEADERBOARD_VERB: Verb = Verb::Action("leaderboard");
/// Gets the summary of a student's awards.
pub(crate) const SUMMARY_VERB: Verb = Verb::Action("summary");

const READER_VERBS: &[Verb] = &[LEADERBOARD_VERB, SUMMARY_VERB];
const MANAGER_VERBS: &[Verb] = &[Verb::Create, Verb::Import, LEADERBOARD_VERB, SUMMARY_VERB];

/// The awards of the caller's own students, as a condition for which the index on the student is
/// used.
const OWN: &str = "r.student_id = any ((select lms.caller_students())::uuid[])";

/// The grants on gamification.
pub(crate) const POLICY: Policy = Policy {
    resource: "gamification",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ)
            .with_verbs(READER_VERBS)
            .index_condition(OWN),
        Grant::new(role::PARENT, verbs::READ)
            .with_verbs(READER_VERBS)
            .index_condition(OWN),
        Grant::new(role::TUTOR, verbs::READ_CREATE)
            .with_verbs(READER_VERBS)
            .index_condition(OWN),
        Grant::new(role::ASSESSOR, verbs::READ).with_verbs(READER_VERBS),
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT).with_verbs(MANAGER_VERBS),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(MANAGER_VERBS),
    ],
};

fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let is_set = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
    let points = values.get("points").and_then(Value::as_i64).unwrap_or(0);
    let mut errors = Vec::new();
    if points < 0 && !is_set("reason") {
        errors.push(FieldError::new(
            "/reason",
            "required",
            "A reason is required to take back points.",
        ));
    }
    if points == 0 && !is_set("badge") {
        errors.push(FieldError::new(
            "/points",
            "required",
            "An award must have points or a badge.",
        ));
    }
    errors
}
