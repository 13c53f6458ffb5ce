//! Assessments: what a student was found to know (document 4, section 3.5).

use domain::role;
use platform::auth::policy::{Grant, Policy};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::validation::WriteMode;
use platform::values::days;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

use crate::students::AGE;

/// Best score of the types that have a scale of their own.
const BEST: i64 = 100;
/// Best score of a custom assessment.
const BEST_CUSTOM: i64 = 1000;

/// An assessment.
pub(crate) const ASSESSMENTS: Resource = Resource {
    name: "assessments",
    table: "assessments",
    singular: "assessment",
    description: "What a student was found to know.",
    fields: &[
        Field::new("student_id", Kind::Reference("students"), "The student.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "tutor_id",
            Kind::Reference("tutors"),
            "The tutor who held it, if one did.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "type",
            Kind::OneOf(&["reading", "spelling", "numeracy", "custom"]),
            "What it is of.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "score",
            Kind::Integer {
                min: 0,
                max: BEST_CUSTOM,
            },
            "From 0 to 100; to 1000 of a custom one.",
        )
        .required()
        .filterable(),
        Field::new("notes", Kind::Multiline { min: 1, max: 10_000 }, "Notes.").nullable(),
        Field::new(
            "assessed_on",
            Kind::Date,
            "The day on which it was held; by default today, in the zone of the student's centre.",
        )
        .sortable(),
        Field::new(
            "academic_age",
            AGE,
            "The age in years that it found: the latest one becomes the student's. Not of a custom one.",
        )
        .nullable()
        .filterable(),
    ],
    owner: None,
    validate: Some(validate),
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// Those of the caller's own students, by the index of the student.
const OWN: &str = "r.student_id = any ((select lms.caller_students())::uuid[])";

/// Who may do what to assessments.
pub(crate) const POLICY: Policy = Policy {
    resource: "assessments",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ).index_condition(OWN),
        Grant::new(role::PARENT, verbs::READ).index_condition(OWN),
        Grant::new(role::TUTOR, verbs::EDIT).index_condition(OWN),
        Grant::new(role::ASSESSOR, ASSESSMENTS.verbs),
        Grant::new(role::SUPERVISOR, ASSESSMENTS.verbs),
        Grant::new(role::ADMIN, ASSESSMENTS.verbs),
    ],
};

/// A score within the range of its type, which only a new assessment says; the table checks a changed one.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = days::refuse_future(values, "assessed_on")
        .into_iter()
        .collect();
    let Some(kind) = values.get("type").and_then(Value::as_str) else {
        return errors;
    };
    let is_custom = kind == "custom";
    if !is_custom && values.get("score").and_then(Value::as_i64) > Some(BEST) {
        errors.push(FieldError::new(
            "/score",
            "out_of_range",
            format!("This must be between 0 and {BEST}."),
        ));
    }
    if is_custom && values.get("academic_age").is_some_and(|age| !age.is_null()) {
        errors.push(FieldError::new(
            "/academic_age",
            "not_allowed",
            "A custom assessment finds no academic age.",
        ));
    }
    errors
}
