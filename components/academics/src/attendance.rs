//! The attendance at a lesson: reading it and recording it. The lessons themselves are in
//! [`crate::occurrences`].

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::{ResponseSchema, ResponseSpec};

use crate::classes::{READ_ATTENDANCE_VERB, RECORD_ATTENDANCE_VERB, START};

const STATUS: Kind = Kind::OneOf(&["present", "absent", "late", "excused"]);
const NOTE: Kind = Kind::Multiline { min: 1, max: 1000 };

/// The attendance of a student as a client records it.
const RECORDED_ATTENDANCE: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new("status", STATUS, "The student's attendance.").required(),
    Field::new("note", NOTE, "A note about the attendance.").nullable(),
];

/// The attendance of a student as a response returns it.
const ATTENDANCE: &[Field] = &[
    Field::new("student_id", Kind::Id, "The student.").required(),
    Field::new(
        "status",
        STATUS,
        "The student's attendance. Null until it is recorded.",
    )
    .nullable()
    .required(),
    Field::new("note", NOTE, "A note about the attendance.")
        .nullable()
        .required(),
];

const ATTENDANCE_RESPONSE: ResponseSchema = ResponseSchema::Fields(&[Field::new(
    "data",
    Kind::Rows(ATTENDANCE),
    "The attendance of each student of the lesson who is visible to the caller.",
)
.required()]);

/// Reads the attendance at a lesson.
pub(crate) const GET: Action = Action::get("/v1/classes/{id}/occurrences/{start}/attendance")
    .id("classes.attendance.get")
    .segments(&[START])
    .summary("Get the attendance of a lesson")
    .granted("classes", READ_ATTENDANCE_VERB)
    .responds(ResponseSpec::of(
        ATTENDANCE_RESPONSE,
        "The attendance of every student of the lesson. Students and parents see only their own.",
    ))
    .sql(READ_SQL);

/// Records the attendance at a lesson.
pub(crate) const RECORD: Action =
    Action::put("/v1/classes/{id}/occurrences/{start}/attendance")
        .id("classes.attendance.record")
        .segments(&[START])
        .summary("Record the attendance of a lesson")
        .granted("classes", RECORD_ATTENDANCE_VERB)
        .body(&[Field::new(
            "students",
            Kind::Rows(RECORDED_ATTENDANCE),
            "The complete attendance record. A student who is left out has no attendance recorded.",
        )
        .required()])
        .responds(ResponseSpec::of(
            ATTENDANCE_RESPONSE,
            "The attendance of every student of the lesson. Recording attendance completes a lesson that has begun. \
             Before a lesson begins, students can only be excused; any other attendance is refused with 409.",
        ))
        .sql(RECORD_SQL);

const READ_SQL: &str = "select
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
group by o.id";

const RECORD_SQL: &str = "select
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
) as a";
