//! Classes: a tutor, students and a schedule. Single lessons are in [`crate::occurrences`], and the
//! attendance at them is in [`crate::attendance`].

pub(crate) mod split;

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::sql::statement::Sql;

use crate::schedule;

/// The maximum number of students in a class.
const MAX_STUDENTS: usize = 200;

/// A class.
pub(crate) const CLASSES: Resource = Resource {
    name: "classes",
    table: "classes",
    singular: "class",
    plural: "classes",
    description: "A class: lessons that a tutor gives to students, once or on a recurring schedule.",
    fields: &[
        Field::new(
            "centre_id",
            Kind::Reference("centres"),
            "The centre where the class takes place.",
        )
        .required()
        .filterable(),
        Field::new("tutor_id", Kind::Reference("tutors"), "The tutor who teaches the class.")
            .required()
            .filterable(),
        Field::new(
            "student_ids",
            Kind::References {
                table: "students",
                items: MAX_STUDENTS,
            },
            "The students of the class. Each must belong to the centre.",
        )
        .default("'[]'::jsonb"),
        Field::new(
            "schedule",
            Kind::Object(schedule::FIELDS),
            "The schedule of the class. A schedule is replaced as a whole: lessons that have begun stay as they are, \
             later lessons follow the new schedule. A series with an end is planned completely, with at most 2000 \
             lessons within five years. A series without an end is planned 53 weeks ahead.",
        )
        .required(),
        Field::new(
            "status",
            Kind::OneOf(&["scheduled", "completed", "cancelled"]),
            "The status of the class. It changes with the cancel and complete operations.",
        )
        .default("'scheduled'")
        .read_only()
        .filterable(),
        Field::new("subject", Kind::Text { min: 1, max: 100 }, "The subject taught.")
            .nullable()
            .filterable(),
        Field::new(
            "level",
            Kind::Text { min: 1, max: 100 },
            "The level at which the subject is taught.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "room",
            Kind::Text { min: 1, max: 100 },
            "The room in the centre. A room holds one lesson at a time.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "meeting_provider",
            Kind::OneOf(&["teams", "zoom", "chime"]),
            "The provider of the online meeting.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "meeting_url",
            Kind::Text { min: 1, max: 2048 },
            "The HTTPS URL of the online meeting.",
        )
        .nullable(),
        Field::new(
            "warnings",
            Kind::TextList {
                items: 10,
                max: 100,
            },
            "Warnings, which do not prevent saving the class: `tutor_without_subject` if the tutor does not teach the \
             subject, `tutor_unavailable` for an upcoming lesson outside the tutor's availability, `tutor_day_off` for \
             an upcoming lesson at a time when the tutor is away.",
        )
        .default("'[]'::jsonb")
        .read_only(),
        Field::new(
            "former_tutor_ids",
            Kind::Rows(&[]),
            "The tutors who gave lessons of the class before another tutor took it over. Maintained by the database.",
        )
        .default("'[]'::jsonb")
        .derived(),
        Field::new("planned", Kind::Rows(&[]), "The lessons planned from the schedule.")
            .default("'[]'::jsonb")
            .derived(),
        Field::new(
            "planned_until",
            Kind::Time,
            "The time up to which the lessons of a series without an end are planned. Null if all lessons are planned.",
        )
        .nullable()
        .computed(),
    ],
    owner: None,
    verbs: verbs::PLAIN,
    validate: Some(schedule::validate),
    requires_match: false,
    requires_key: false,
};

/// Cancels a class.
const CANCEL_VERB: Verb = Verb::Action("cancel");
/// Completes a class.
const COMPLETE_VERB: Verb = Verb::Action("complete");
/// Reads the lessons of a class, and the calendar of everybody in scope.
pub(crate) const LESSONS_VERB: Verb = Verb::Action("occurrences");
/// Cancels a lesson, moves it, or splits its class there.
pub(crate) const CHANGE_LESSON_VERB: Verb = Verb::Action("change-occurrence");
/// Reads the attendance at a lesson.
pub(crate) const READ_ATTENDANCE_VERB: Verb = Verb::Action("attendance");
/// Records the attendance at a lesson.
pub(crate) const RECORD_ATTENDANCE_VERB: Verb = Verb::Action("record-attendance");

/// The fields that learners see of their classes, and that tutors and assessors see of the classes
/// of their own children. The other students of the class are not among them.
const LEARNER_FIELDS: &[&str] = &[
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
/// The classes that a tutor teaches, without those that another tutor has taken over or that the
/// tutor's child attends.
const OWN_CLASSES: &str = "r.tutor_id = (select lms.caller_tutor())";
/// The classes of an assessor's centre.
const OF_CENTRE: &str = "r.centre_id = (select current_setting('app.centre_id')::uuid)";
const READ_LESSONS: &[Verb] = &[LESSONS_VERB, READ_ATTENDANCE_VERB];
const MANAGE_LESSONS: &[Verb] = &[
    CANCEL_VERB,
    COMPLETE_VERB,
    LESSONS_VERB,
    CHANGE_LESSON_VERB,
    READ_ATTENDANCE_VERB,
    RECORD_ATTENDANCE_VERB,
];

/// The grants on classes.
pub(crate) const POLICY: Policy = Policy {
    resource: "classes",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ)
            .with_verbs(READ_LESSONS)
            .reading(LEARNER_FIELDS),
        Grant::new(role::PARENT, verbs::READ)
            .with_verbs(READ_LESSONS)
            .reading(LEARNER_FIELDS),
        Grant::new(role::TUTOR, verbs::EDIT)
            .with_verbs(MANAGE_LESSONS)
            .shared_fields(LEARNER_FIELDS)
            .own_rows(OWN_CLASSES),
        Grant::new(role::ASSESSOR, verbs::READ)
            .with_verbs(READ_LESSONS)
            .shared_fields(LEARNER_FIELDS)
            .own_rows(OF_CENTRE),
        Grant::new(role::SUPERVISOR, verbs::PLAIN).with_verbs(MANAGE_LESSONS),
        Grant::new(role::SUPPORT, verbs::READ).with_verbs(READ_LESSONS),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).with_verbs(READ_LESSONS),
        Grant::new(role::ADMIN, verbs::PLAIN).with_verbs(MANAGE_LESSONS),
    ],
};

/// The parameter of a path that identifies the lesson within its class.
pub(crate) const START: Field = Field::new(
    "start",
    Kind::Time,
    "The start of the lesson according to the schedule: its `original_start`, even after the lesson was moved.",
);

/// The reason why a lesson or a class is cancelled or moved.
pub(crate) const REASON: Field = Field::new(
    "reason",
    Kind::Multiline { min: 1, max: 500 },
    "The reason.",
);

/// Cancels a class.
pub(crate) const CANCEL: Action = Action::post("/v1/classes/{id}/cancel")
    .id("classes.cancel")
    .summary("Cancel a class")
    .granted("classes", CANCEL_VERB)
    .body(&[REASON])
    .responds(ResponseSpec::resource(
        &CLASSES,
        "The cancelled class. Its lessons that have not begun are cancelled too.",
    ))
    .sql_for_grant(cancel);

/// Completes a class.
pub(crate) const COMPLETE: Action = Action::post("/v1/classes/{id}/complete")
    .id("classes.complete")
    .summary("Complete a class")
    .granted("classes", COMPLETE_VERB)
    .responds(ResponseSpec::resource(
        &CLASSES,
        "The completed class. Lessons that have begun are completed and later lessons are cancelled. Refused with 409 \
         if no lesson has begun.",
    ))
    .sql_for_grant(complete);

fn cancel(grant: &Grant) -> Sql {
    select_class(
        Sql::from(
            "with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'cancelled', $1->'input'->>'reason') as r
)
select
  ",
        ),
        grant,
    )
}

fn complete(grant: &Grant) -> Sql {
    select_class(
        Sql::from(
            "with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'completed', null) as r
)
select
  ",
        ),
        grant,
    )
}

/// Selects the class `r` as the body, and its version as the tag.
fn select_class(mut sql: Sql, grant: &Grant) -> Sql {
    sql.append(&projection::object(&CLASSES, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}
