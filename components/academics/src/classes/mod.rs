//! Classes: one tutor, some students, a schedule (document 4, section 3.4). Single lessons are in [`crate::occurrences`],
//! who came to them in [`crate::attendance`].

mod split;

use http::Method;
use platform::auth::policy::{Access, Grant, Policy, Verb};
use platform::auth::role::Role;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::statements::projection::{self, Depth};
use platform::sql::statement::{Sql, Statement};

use crate::schedule;

pub(crate) use split::SPLIT;

/// Most students of a class.
const MOST_STUDENTS: usize = 200;

/// A class.
pub(crate) const CLASSES: Resource = Resource {
    name: "classes",
    table: "classes",
    singular: "class",
    description: "A tutor who meets students, once or again and again.",
    fields: &[
        Field::new(
            "centre_id",
            Kind::Reference("centres"),
            "The centre where it is.",
        )
        .required()
        .filterable(),
        Field::new("tutor_id", Kind::Reference("tutors"), "Who teaches.")
            .required()
            .filterable(),
        Field::new(
            "student_ids",
            Kind::References {
                table: "students",
                items: MOST_STUDENTS,
            },
            "Who learns: students of the centre.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "schedule",
            Kind::Object(schedule::FIELDS),
            "When it meets. It is changed as a whole: lessons that have begun stay, later ones follow it. A series with an end has all its \
             lessons at once, at most 2000 within five years; one without is planned 53 weeks ahead.",
        )
        .required(),
        Field::new(
            "status",
            Kind::OneOf(&["scheduled", "completed", "cancelled"]),
            "Where it stands; see cancel and complete.",
        )
        .default("'scheduled'")
        .read_only()
        .filterable(),
        Field::new("subject", Kind::Text { min: 1, max: 100 }, "What is taught.")
            .nullable()
            .filterable(),
        Field::new(
            "level",
            Kind::Text { min: 1, max: 100 },
            "At which level it is taught.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "room",
            Kind::Text { min: 1, max: 100 },
            "Where in the centre; a room holds one lesson at a time.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "meeting_provider",
            Kind::OneOf(&["teams", "zoom", "chime"]),
            "Where it meets online.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "meeting_url",
            Kind::Text { min: 1, max: 2048 },
            "The address where it meets online, with https.",
        )
        .nullable(),
        Field::new(
            "warnings",
            Kind::TextList {
                items: 10,
                max: 100,
            },
            "What is odd but not refused: tutor_without_subject; tutor_unavailable, for a lesson ahead that is not within the tutor's \
             availability; tutor_day_off, for one at a time when the tutor is away.",
        )
        .default("'[]'::jsonb")
        .read_only(),
        Field::new(
            "former_tutor_ids",
            Kind::Rows(&[]),
            "Tutors who gave lessons of it before it was another's; the database keeps them.",
        )
        .default("'[]'::jsonb")
        .derived(),
        Field::new("planned", Kind::Rows(&[]), "The lessons of the schedule.")
            .default("'[]'::jsonb")
            .derived(),
        Field::new(
            "planned_until",
            Kind::Time,
            "Up to when the lessons of a series without an end are planned; null when all are.",
        )
        .nullable()
        .computed(),
    ],
    owner: None,
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
    rule: Some(schedule::rule),
    requires_match: false,
    requires_key: false,
};

/// Calls a class off.
const CANCEL_VERB: Verb = Verb::Action("cancel");
/// Ends a class.
const COMPLETE_VERB: Verb = Verb::Action("complete");
/// Reads the lessons of a class, and those of everybody in scope.
pub(crate) const LESSONS: Verb = Verb::Action("occurrences");
/// Calls a lesson off, moves it, or splits its class there.
pub(crate) const CHANGE_LESSON: Verb = Verb::Action("change-occurrence");
/// Reads who came.
pub(crate) const READ_ATTENDANCE: Verb = Verb::Action("attendance");
/// Writes who came.
pub(crate) const RECORD_ATTENDANCE: Verb = Verb::Action("record-attendance");

/// The fields that learners see of their classes, and tutors and assessors of their children's: not who else is in
/// them.
const LEARNING: &[&str] = &[
    "centre_id",
    "tutor_id",
    "schedule",
    "status",
    "subject",
    "level",
    "room",
    "meeting_provider",
    "meeting_url",
    "planned_until",
    "created_at",
    "updated_at",
];
/// The classes that a tutor teaches, and not those that others took over or that a child is in.
const TAUGHT: &str = "r.tutor_id = (select lms.caller_tutor())";
/// The classes of an assessor's centre.
const OF_CENTRE: &str = "r.centre_id = (select current_setting('app.centre_id')::uuid)";
const READ: &[Verb] = &[Verb::List, Verb::Get, LESSONS, READ_ATTENDANCE];
const READ_ALL: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Export,
    LESSONS,
    READ_ATTENDANCE,
];
const TEACH: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
    CANCEL_VERB,
    COMPLETE_VERB,
    LESSONS,
    CHANGE_LESSON,
    READ_ATTENDANCE,
    RECORD_ATTENDANCE,
];
const ALL: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
    Verb::Import,
    Verb::Export,
    CANCEL_VERB,
    COMPLETE_VERB,
    LESSONS,
    CHANGE_LESSON,
    READ_ATTENDANCE,
    RECORD_ATTENDANCE,
];

/// Who may do what to classes.
pub(crate) const POLICY: Policy = Policy {
    resource: "classes",
    grants: &[
        Grant::new(Role::Student, READ).reading(LEARNING),
        Grant::new(Role::Parent, READ).reading(LEARNING),
        Grant::new(Role::Tutor, TEACH)
            .reading_of_others(LEARNING)
            .owning(TAUGHT),
        Grant::new(Role::Assessor, READ)
            .reading_of_others(LEARNING)
            .owning(OF_CENTRE),
        Grant::new(Role::Supervisor, ALL),
        Grant::new(Role::Support, READ),
        Grant::new(Role::Finance, READ_ALL),
        Grant::new(Role::Admin, ALL),
    ],
};

/// Why something is called off or moved.
pub(crate) const REASON: Field = Field::new("reason", Kind::Multiline { min: 1, max: 500 }, "Why.");

/// Calls a class off.
pub(crate) const CANCEL: Action = Action {
    method: Method::POST,
    path: "/v1/classes/{id}/cancel",
    segments: &[],
    operation: "classes.cancel",
    summary: "Cancel a class",
    access: Access::Granted {
        resource: "classes",
        verb: CANCEL_VERB,
    },
    body: Some(&[REASON]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&CLASSES)),
        description: "The class, cancelled with its lessons that have not begun.",
        problems: &[],
    },
    run: Run::View(cancel),
};

/// Ends a class.
pub(crate) const COMPLETE: Action = Action {
    method: Method::POST,
    path: "/v1/classes/{id}/complete",
    segments: &[],
    operation: "classes.complete",
    summary: "Complete a class",
    access: Access::Granted {
        resource: "classes",
        verb: COMPLETE_VERB,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&CLASSES)),
        description: "The class, completed with its lessons that have begun; later ones are cancelled. 409 when none has begun.",
        problems: &[],
    },
    run: Run::View(complete),
};

fn cancel(grant: &Grant) -> Statement {
    answer(
        Sql::from(
            "-- classes.cancel
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'cancelled', $1->'input'->>'reason') as r
)
select
  ",
        ),
        grant,
        "classes.cancel",
    )
}

fn complete(grant: &Grant) -> Statement {
    answer(
        Sql::from(
            "-- classes.complete
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'completed', null) as r
)
select
  ",
        ),
        grant,
        "classes.complete",
    )
}

/// `select` of the class `r` as body and its version as tag.
fn answer(mut sql: Sql, grant: &Grant, operation: &str) -> Statement {
    sql.append(&projection::object(&CLASSES, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared(operation)
}
