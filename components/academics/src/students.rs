//! Students: what is particular to those who learn (document 4, section 3.2), and who teaches them.

use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::auth::role::Role;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::statements::projection::{self, Depth};
use platform::declare::validation::Purpose;
use platform::sql::statement::{Sql, Statement};
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
        .found_by("students_by_need"),
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
    rule: Some(rule),
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
    requires_match: false,
    requires_key: false,
};

/// Gives a student a tutor, or none.
pub(crate) const ASSIGN: Verb = Verb::Action("assign-tutor");
/// Shows what has become of a student over time.
pub(crate) const PROGRESS: Verb = Verb::Action("progress");

const READ: &[Verb] = &[Verb::List, Verb::Get];
const READ_PROGRESS: &[Verb] = &[Verb::List, Verb::Get, PROGRESS];
const READ_ALL: &[Verb] = &[Verb::List, Verb::Get, Verb::Export];
const TEACH: &[Verb] = &[Verb::List, Verb::Get, Verb::Update, PROGRESS];
const MANAGE: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
    Verb::Import,
    Verb::Export,
    ASSIGN,
    PROGRESS,
];

/// The caller's own students, by the index of the key.
const OWN: &str = "r.id = any ((select lms.caller_students())::uuid[])";

/// Who may do what to students.
pub(crate) const POLICY: Policy = Policy {
    resource: "students",
    grants: &[
        Grant::new(Role::Student, READ_PROGRESS).within(OWN),
        Grant::new(Role::Parent, TEACH)
            .writing(&["leaderboard_name"])
            .within(OWN),
        Grant::new(Role::Tutor, TEACH)
            .writing(&["academic_age"])
            .within(OWN),
        Grant::new(Role::Assessor, TEACH).writing(&["academic_age"]),
        Grant::new(Role::Supervisor, MANAGE),
        Grant::new(Role::Support, READ),
        Grant::new(Role::Finance, READ_ALL),
        Grant::new(Role::Admin, MANAGE),
    ],
};

fn rule(values: &mut Map<String, Value>, _purpose: Purpose) -> Vec<FieldError> {
    days::refuse_future(values, "dob").into_iter().collect()
}

/// Gives a student a tutor.
pub(crate) const ASSIGN_TUTOR: Action = Action {
    method: Method::POST,
    path: "/v1/students/{id}/assign-tutor",
    segments: &[],
    operation: "students.assign-tutor",
    summary: "Assign a tutor to a student",
    access: Access::Granted {
        resource: "students",
        verb: ASSIGN,
    },
    body: Some(&[Field::new(
        "tutor_id",
        Kind::Id,
        "The tutor, who must have a place left; null for none.",
    )
    .nullable()
    .required()]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&STUDENTS)),
        description: "The student with the tutor.",
        problems: &[],
    },
    run: Run::View(assign),
};

fn assign(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- students.assign-tutor
with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_capacity(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &STUDENTS);
    sql.push("select\n  ");
    sql.append(&projection::object(&STUDENTS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared("students.assign-tutor")
}
