//! Attendance: who came to a lesson.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::sql::statement::{Sql, Statement};

use crate::classes::{READ_ATTENDANCE, RECORD_ATTENDANCE};
use crate::occurrences::START;

const STATUS: Kind = Kind::OneOf(&["present", "absent", "late", "excused"]);
const NOTE: Kind = Kind::Multiline { min: 1, max: 1000 };

/// A student of a lesson, as recorded.
const RECORD: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new("status", STATUS, "Whether the student came.").required(),
    Field::new("note", NOTE, "What is to be said about it.").nullable(),
];

/// A student of a lesson, as answered.
const ATTENDANCE: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "status",
        STATUS,
        "Whether the student came; null before it is recorded.",
    )
    .nullable()
    .required(),
    Field::new("note", NOTE, "What is to be said about it.")
        .nullable()
        .required(),
];

const ANSWER: Shape = Shape::Fields(&[Field::new(
    "data",
    Kind::Rows(ATTENDANCE),
    "The students of the lesson whom the caller sees.",
)
.required()]);

/// Reads who came.
pub(crate) const READ: Action = Action {
    method: Method::GET,
    path: "/v1/classes/{id}/occurrences/{start}/attendance",
    segments: &[START],
    operation: "classes.attendance.get",
    summary: "Read the attendance of a lesson",
    access: Access::Granted {
        resource: "classes",
        verb: READ_ATTENDANCE,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(ANSWER),
        description: "Every student of the lesson; students and parents see their own record.",
        problems: &[],
    },
    run: Run::Statement(read),
};

/// Writes who came.
pub(crate) const RECORD_ALL: Action = Action {
    method: Method::PUT,
    path: "/v1/classes/{id}/occurrences/{start}/attendance",
    segments: &[START],
    operation: "classes.attendance.record",
    summary: "Record the attendance of a lesson",
    access: Access::Granted {
        resource: "classes",
        verb: RECORD_ATTENDANCE,
    },
    body: Some(&[Field::new(
        "students",
        Kind::Rows(RECORD),
        "The whole record: a student who is not in it has none.",
    )
    .required()]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(ANSWER),
        description: "Every student of the lesson. A lesson that has begun is completed by it; before that, students can only be excused, and \
                      anything else is 409.",
        problems: &[],
    },
    run: Run::Statement(record),
};

fn read() -> Statement {
    Sql::from(
        "-- classes.attendance.get
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      'student_id', a.student_id,
      'status', a.status,
      'note', a.note
    ) order by a.student_id) filter (where a.id is not null),
    '[]'::json
  ))::text as body,
  null::text as tag
from lms.classes as c
join lms.occurrences as o
  on o.class_id = c.id
left join lms.attendances as a
  on a.occurrence_id = o.id
  and a.deleted_at is null
where c.id = ($1->>'id')::uuid
  and c.deleted_at is null
  and o.original_start = ($1->>'start')::timestamptz
  and o.deleted_at is null
group by o.id",
    )
    .prepared("classes.attendance.get")
}

fn record() -> Statement {
    Sql::from(
        "-- classes.attendance.record
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      'student_id', a.student_id,
      'status', a.status,
      'note', a.note
    )),
    '[]'::json
  ))::text as body,
  null::text as tag
from lms.record_attendance(
  ($1->>'id')::uuid,
  ($1->>'start')::timestamptz,
  $1->'input'->'students'
) as a",
    )
    .prepared("classes.attendance.record")
}
