//! The analytics of students and tutors, read from materialized views as of their last refresh. The
//! analytics of centres belong to the component `finance`, and the views are refreshed by the
//! worker.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::page;
use platform::declare::response_spec::ResponseSpec;

const STUDENT_PROGRESS_VERB: Verb = Verb::Action("student-progress");
const TUTOR_LOAD_VERB: Verb = Verb::Action("tutor-load");

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i64::MAX,
};
const SCORE: Kind = Kind::Decimal {
    min: 0,
    max: 1000,
    places: 2,
};

/// The grants on the analytics.
pub(crate) const POLICY: Policy = Policy {
    resource: "analytics",
    grants: &[
        Grant::new(role::STUDENT, &[STUDENT_PROGRESS_VERB]),
        Grant::new(role::PARENT, &[STUDENT_PROGRESS_VERB]),
        Grant::new(role::TUTOR, &[STUDENT_PROGRESS_VERB, TUTOR_LOAD_VERB]),
        Grant::new(role::ASSESSOR, &[STUDENT_PROGRESS_VERB]),
        Grant::new(role::SUPERVISOR, &[STUDENT_PROGRESS_VERB, TUTOR_LOAD_VERB]),
        Grant::new(role::ADMIN, &[STUDENT_PROGRESS_VERB, TUTOR_LOAD_VERB]),
    ],
};

const CENTRE: Field = Field::new("centre_id", Kind::Id, "Only rows of this centre.");
const REFRESHED: Field = Field::new(
    "refreshed_at",
    Kind::Time,
    "The time at which the figures were last refreshed. Null if there are none.",
)
.nullable()
.required();

/// The progress of a student.
const STUDENT: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("assessments", COUNT, "The number of assessments.").required(),
    Field::new(
        "reading_average",
        SCORE,
        "The mean score of the reading assessments.",
    )
    .nullable(),
    Field::new(
        "spelling_average",
        SCORE,
        "The mean score of the spelling assessments.",
    )
    .nullable(),
    Field::new(
        "numeracy_average",
        SCORE,
        "The mean score of the numeracy assessments.",
    )
    .nullable(),
    Field::new("reading_latest", COUNT, "The latest reading score.").nullable(),
    Field::new("spelling_latest", COUNT, "The latest spelling score.").nullable(),
    Field::new("numeracy_latest", COUNT, "The latest numeracy score.").nullable(),
    Field::new(
        "last_assessed_at",
        Kind::Time,
        "The time of the last assessment.",
    )
    .nullable(),
    Field::new(
        "points",
        Kind::Integer {
            min: i64::MIN,
            max: i64::MAX,
        },
        "The total number of points.",
    )
    .required(),
    Field::new("badges", COUNT, "The total number of badges.").required(),
];

/// The load of a tutor.
const TUTOR: &[Field] = &[
    Field::new("tutor_id", Kind::Id, "The tutor.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("max_students", COUNT, "The maximum number of students that can be assigned to the tutor.").required(),
    Field::new("students", COUNT, "The number of students assigned to the tutor.").required(),
    Field::new("scheduled_classes", COUNT, "The number of scheduled classes.").required(),
    Field::new("completed_classes", COUNT, "The number of completed classes.").required(),
    Field::new("cancelled_classes", COUNT, "The number of cancelled classes.").required(),
    Field::new(
        "load",
        Kind::Decimal {
            min: 0,
            max: 1000,
            places: 4,
        },
        "The number of students per place, that is `students` divided by `max_students`. Null if the tutor has no places.",
    )
    .nullable(),
];

/// Lists the progress of students.
pub(crate) const STUDENTS: Action = Action::get("/v1/analytics/student-progress")
    .id("analytics.student-progress")
    .summary("List student progress")
    .granted("analytics", STUDENT_PROGRESS_VERB)
    .query(&[
        Field::new("student_id", Kind::Id, "Only the progress of this student."),
        CENTRE,
        page::cursor(Kind::Id),
        page::LIMIT,
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(STUDENT),
                "The progress of each student, ordered by the student's id.",
            )
            .required(),
            page::next_cursor(Kind::Id),
            REFRESHED,
        ],
        "The assessments, points and badges of the students in the caller's scope.",
    ))
    .sql(STUDENT_PROGRESS_SQL);

/// Lists the load of tutors.
pub(crate) const TUTORS: Action = Action::get("/v1/analytics/tutor-load")
    .id("analytics.tutor-load")
    .summary("List tutor load")
    .granted("analytics", TUTOR_LOAD_VERB)
    .query(&[
        Field::new("tutor_id", Kind::Id, "Only the load of this tutor."),
        CENTRE,
        page::cursor(Kind::Id),
        page::LIMIT,
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(TUTOR),
                "The load of each tutor, ordered by the tutor's id.",
            )
            .required(),
            page::next_cursor(Kind::Id),
            REFRESHED,
        ],
        "The numbers of students and classes of the tutors in the caller's scope.",
    ))
    .sql(TUTOR_LOAD_SQL);

const STUDENT_PROGRESS_SQL: &str = "select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.student_id as id,
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by r.student_id) as position,
    lead(r.student_id) over (order by r.student_id) is not null as has_more,
    json_build_object(
      'student_id', r.student_id,
      'centre_id', r.centre_id,
      'assessments', r.assessments,
      'reading_average', r.reading_average,
      'spelling_average', r.spelling_average,
      'numeracy_average', r.numeracy_average,
      'reading_latest', r.reading_latest,
      'spelling_latest', r.spelling_latest,
      'numeracy_latest', r.numeracy_latest,
      'last_assessed_at', lms.utc(r.last_assessed_at),
      'points', r.points,
      'badges', r.badges
    ) as item
  from lms.student_progress(($1->>'student_id')::uuid) as r
  where ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
    and ($1->>'cursor' is null or r.student_id > ($1->>'cursor')::uuid)
  order by r.student_id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page";

const TUTOR_LOAD_SQL: &str = "select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.tutor_id as id,
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by r.tutor_id) as position,
    lead(r.tutor_id) over (order by r.tutor_id) is not null as has_more,
    json_build_object(
      'tutor_id', r.tutor_id,
      'centre_id', r.centre_id,
      'max_students', r.max_students,
      'students', r.students,
      'scheduled_classes', r.scheduled_classes,
      'completed_classes', r.completed_classes,
      'cancelled_classes', r.cancelled_classes,
      'load', r.load
    ) as item
  from lms.tutor_load(($1->>'tutor_id')::uuid) as r
  where ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
    and ($1->>'cursor' is null or r.tutor_id > ($1->>'cursor')::uuid)
  order by r.tutor_id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page";
