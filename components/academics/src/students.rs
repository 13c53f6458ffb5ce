//! Students: what is particular to those who learn (document 4, section 3.2), and who teaches them.

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

/// What a student's academic age is of.
const AGES: &[Field] = &[
    Field::new("reading", AGE, "The age in years at which one reads so.").filterable(),
    Field::new("spelling", AGE, "The age in years at which one spells so.").filterable(),
    Field::new("numeracy", AGE, "The age in years at which one counts so.").filterable(),
];

/// A lesson as a student's history keeps it.
const LESSON: &[Field] = &[
    Field::new("class_id", Kind::Id, "The class.").required(),
    Field::new("start", Kind::Time, "When it began.").required(),
    Field::new(
        "status",
        Kind::OneOf(&["present", "absent", "late", "excused"]),
        "Whether the student was there.",
    )
    .required(),
    Field::new(
        "note",
        Kind::Multiline { min: 1, max: 2000 },
        "A note on it.",
    )
    .nullable()
    .required(),
];

/// A student.
pub(crate) const STUDENTS: Resource = Resource {
    name: "students",
    table: "students",
    singular: "student",
    description: "Someone who learns: the account's particulars as a student.",
    fields: &[
        Field::new("user_id", Kind::Reference("users"), "The account.")
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
            "Ages in years; an assessment that finds one moves it.",
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
            "The tutor, who must have a place left.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "parent_id",
            Kind::Reference("users"),
            "The guardian who is the first contact. A parent who is named becomes a guardian, until another is named; \
             whoever is deleted as guardian is no first contact.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "leaderboard_name",
            Kind::Text { min: 1, max: 50 },
            "How other families see the student on leaderboards, as a parent or the centre sets it; \
             first name and initial when it is null.",
        )
        .nullable(),
        Field::new(
            "languages",
            Kind::Languages,
            "Languages, the preferred one first.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "history",
            Kind::Rows(LESSON),
            "The last five lessons whose attendance was recorded, the latest first.",
        )
        .read_only(),
    ],
    owner: Some("user_id"),
    validate: Some(validate),
    verbs: verbs::PLAIN,
    requires_match: false,
    requires_key: false,
};

/// Gives a student a tutor, or none.
pub(crate) const ASSIGN: Verb = Verb::Action("assign-tutor");
/// Shows what has become of a student over time.
pub(crate) const PROGRESS: Verb = Verb::Action("progress");

const READ_PROGRESS: &[Verb] = &[PROGRESS];
const MANAGE: &[Verb] = &[ASSIGN, PROGRESS];

/// The caller's own students, by the index of the key.
const OWN: &str = "r.id = any ((select lms.caller_students())::uuid[])";

/// Who may do what to students.
pub(crate) const POLICY: Policy = Policy {
    resource: "students",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ)
            .and(READ_PROGRESS)
            .index_condition(OWN),
        Grant::new(role::PARENT, verbs::READ_UPDATE)
            .and(READ_PROGRESS)
            .writing(&["leaderboard_name"])
            .index_condition(OWN),
        Grant::new(role::TUTOR, verbs::READ_UPDATE)
            .and(READ_PROGRESS)
            .writing(&["academic_age"])
            .index_condition(OWN),
        Grant::new(role::ASSESSOR, verbs::READ_UPDATE)
            .and(READ_PROGRESS)
            .writing(&["academic_age"]),
        Grant::new(role::SUPERVISOR, verbs::PLAIN).and(MANAGE),
        Grant::new(role::SUPPORT, verbs::READ),
        Grant::new(role::FINANCE, verbs::READ_EXPORT),
        Grant::new(role::ADMIN, verbs::PLAIN).and(MANAGE),
    ],
};

fn validate(values: &mut Map<String, Value>, _mode: WriteMode) -> Vec<FieldError> {
    days::refuse_future(values, "dob").into_iter().collect()
}

/// Gives a student a tutor.
pub(crate) const ASSIGN_TUTOR: Action = Action::post("/v1/students/{id}/assign-tutor")
    .id("students.assign-tutor")
    .summary("Assign a tutor to a student")
    .granted("students", ASSIGN)
    .body(&[Field::new(
        "tutor_id",
        Kind::Id,
        "The tutor, who must have a place left; null for none.",
    )
    .nullable()
    .required()])
    .responds(ResponseSpec::resource(
        &STUDENTS,
        "The student with the tutor.",
    ))
    .sql_for_grant(assign);

fn assign(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_place(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &STUDENTS);
    sql.push("select\n  ");
    sql.append(&projection::object(&STUDENTS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
