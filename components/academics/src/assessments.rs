//! Assessments: the results of tests that students took. The charts of a student's progress over
//! time are in [`crate::progress`].

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

/// The maximum score of the types that have a scale of their own.
const MAX_SCORE: i64 = 100;
/// The maximum score of a custom assessment.
const MAX_CUSTOM_SCORE: i64 = 1000;

/// An assessment.
pub(crate) const ASSESSMENTS: Resource = Resource {
    name: "assessments",
    table: "assessments",
    singular: "assessment",
    plural: "assessments",
    description: "An assessment result.",
    fields: &[
        Field::new("student_id", Kind::Reference("students"), "The student.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "tutor_id",
            Kind::Reference("tutors"),
            "The tutor who held the assessment. Null if no tutor did.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "type",
            Kind::OneOf(&["reading", "spelling", "numeracy", "custom"]),
            "The subject area of the assessment.",
        )
        .required()
        .on_create()
        .filterable(),
        Field::new(
            "score",
            Kind::Integer {
                min: 0,
                max: MAX_CUSTOM_SCORE,
            },
            "The score, from 0 to 100, or from 0 to 1000 for a custom assessment.",
        )
        .required()
        .filterable(),
        Field::new("notes", Kind::Multiline { min: 1, max: 10_000 }, "Notes about the assessment.").nullable(),
        Field::new(
            "assessed_on",
            Kind::Date,
            "The day the assessment was held. Defaults to today in the time zone of the student's centre.",
        )
        .sortable(),
        Field::new(
            "academic_age",
            AGE,
            "The academic age in years that the assessment found. The latest one becomes the student's academic age. \
             Not allowed for a custom assessment.",
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

/// The assessments of the caller's own students, as a condition for which the index on the student
/// is used.
const OWN: &str = "r.student_id = any ((select lms.caller_students())::uuid[])";

/// The grants on assessments.
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

/// Checks that the score is within the range of its type. Only a new assessment states its type;
/// the table checks a changed score.
fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = days::refuse_future(values, "assessed_on")
        .into_iter()
        .collect();
    let Some(kind) = values.get("type").and_then(Value::as_str) else {
        return errors;
    };
    let is_custom = kind == "custom";
    if !is_custom && values.get("score").and_then(Value::as_i64) > Some(MAX_SCORE) {
        errors.push(FieldError::new(
            "/score",
            "out_of_range",
            format!("Must be between 0 and {MAX_SCORE}."),
        ));
    }
    if is_custom && values.get("academic_age").is_some_and(|age| !age.is_null()) {
        errors.push(FieldError::new(
            "/academic_age",
            "not_allowed",
            "A custom assessment cannot have an academic age.",
        ));
    }
    errors
}
