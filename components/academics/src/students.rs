//! Students: their profiles, and the tutor assigned to each. The account of a student is in the
//! component `users`, and the progress over time is in [`crate::progress`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::declare::validation::WriteMode;
use platform::sql::statement::Sql;
use platform::values::days;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// An academic age in years.
pub(crate) const AGE: Kind = Kind::Decimal {
    min: 0,
    max: 30,
    places: 2,
};

/// The skills for which a student has an academic age.
const AGES: &[Field] = &[
    Field::new("reading", AGE, "The academic age in reading, in years.").filterable(),
    Field::new("spelling", AGE, "The academic age in spelling, in years.").filterable(),
    Field::new("numeracy", AGE, "The academic age in numeracy, in years.").filterable(),
];

/// A lesson in a student's history.
const LESSON: &[Field] = &[
    Field::new("class_id", Kind::Id, "The class.").required(),
    Field::new(
        "starts_at",
        Kind::Time,
        "The time at which the lesson began.",
    )
    .required(),
    Field::new(
        "status",
        Kind::OneOf(&["present", "absent", "late", "excused"]),
        "The student's attendance.",
    )
    .required(),
    Field::new(
        "note",
        Kind::Multiline { min: 1, max: 2000 },
        "A note about the attendance.",
    )
    .nullable()
    .required(),
];

/// A student.
pub(crate) const STUDENTS: Resource = Resource {
    name: "students",
    table: "students",
    singular: "student",
    plural: "students",
    description: "A student's profile.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The user account.")
            .required()
            .on_create()
            .filterable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .filterable(),
        Field::new("dob", Kind::Date, "The date of birth.")
            .nullable()
            .filterable(),
        Field::new(
            "academic_age",
            Kind::Object(AGES),
            "The academic ages in years. An assessment that finds an academic age updates it.",
        )
        .default("'{}'::jsonb"),
        Field::new(
            "special_needs",
            Kind::TextList {
                items: 50,
                max: 100,
            },
            "Special needs, such as Autism or ADHD.",
        )
        .default("'[]'::jsonb")
        .filter_function("students_by_need"),
        Field::new(
            "assigned_tutor_id",
            Kind::Reference("tutors"),
            "The assigned tutor, who must have a free place.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "parent_id",
            Kind::Reference("users"),
            "The account of the guardian who is the first contact. Naming a parent makes that parent a guardian until \
             another first contact is named. A guardian who is deleted is no longer the first contact.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "leaderboard_name",
            Kind::Text { min: 1, max: 50 },
            "The name under which other families see the student on leaderboards, set by a parent or the centre. If \
             null, first name and initial are shown.",
        )
        .nullable(),
        Field::new(
            "languages",
            Kind::Languages,
            "The language tags, in order of preference.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "history",
            Kind::Rows(LESSON),
            "The last five lessons with recorded attendance, latest first.",
        )
        .read_only(),
    ],
    owner: Some("user_id"),
    validate: Some(validate),
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// Assigns a tutor to a student, or removes the assignment.
pub(crate) const ASSIGN_TUTOR_VERB: Verb = Verb::Action("assign-tutor");
/// Gets the progress of a student.
pub(crate) const PROGRESS_VERB: Verb = Verb::Action("progress");

const READ_PROGRESS: &[Verb] = &[PROGRESS_VERB];
const MANAGE: &[Verb] = &[ASSIGN_TUTOR_VERB, PROGRESS_VERB];

/// The caller's own students, as a condition for which the index of the primary key is used.
const OWN: &str = "r.id = any ((select lms.caller_students())::uuid[])";

/// The grants on students.
pub(crate) const POLICY: Policy = Policy {
    resource: "students",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ)
            .with_verbs(READ_PROGRESS)
            .index_condition(OWN),
        Grant::new(role::PARENT, verbs::READ_UPDATE)
            .with_verbs(READ_PROGRESS)
            .writing(&["leaderboard_name"])
            .index_condition(OWN),
        Grant::new(role::TUTOR, verbs::READ_UPDATE)
            .with_verbs(READ_PROGRESS)
            .writing(&["academic_age"])
            .index_condition(OWN),
        Grant::new(role::ASSESSOR, verbs::READ_UPDATE)
            .with_verbs(READ_PROGRESS)
            .writing(&["academic_age"]),
        Grant::new(role::SUPERVISOR, verbs::PLAIN).with_verbs(MANAGE),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, verbs::PLAIN).with_verbs(MANAGE),
    ],
};

fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    days::refuse_future(values, "dob").into_iter().collect()
}

/// Assigns a tutor to a student.
pub(crate) const ASSIGN_TUTOR: Action = Action::post("/v1/students/{id}/assign-tutor")
    .id("students.assign-tutor")
    .summary("Assign a tutor to a student")
    .granted("students", ASSIGN_TUTOR_VERB)
    .body(&[Field::new(
        "tutor_id",
        Kind::Id,
        "The tutor, who must have a free place. Null removes the assignment.",
    )
    .nullable()
    .required()])
    .responds(ResponseSpec::resource(
        &STUDENTS,
        "The student with the new assignment.",
    ))
    .sql_for_grant(assign);

fn assign(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_capacity(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &STUDENTS);
    sql.push("select\n  ");
    sql.append(&projection::object(&STUDENTS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
