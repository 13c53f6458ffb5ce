//! Occurrences: the single lessons of a class, identified by their start according to the schedule.
//! Attendance is in [`crate::attendance`], and the split of a class is in [`crate::classes`].

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::sql::statement::Sql;

use crate::classes::{CHANGE_LESSON_VERB, LESSONS_VERB, REASON, START};

/// A lesson as a response returns it.
pub(crate) const OCCURRENCE: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new("class_id", Kind::Id, "The class.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("tutor_id", Kind::Id, "The tutor who gives the lesson.").required(),
    Field::new(
        "room",
        Kind::Text { min: 1, max: 100 },
        "The room in the centre.",
    )
    .nullable()
    .required(),
    Field::new(
        "original_start",
        Kind::Time,
        "The start of the lesson according to the schedule. It identifies the lesson within the class and never changes.",
    )
    .required(),
    Field::new("starts_at", Kind::Time, "The start of the lesson.").required(),
    Field::new("ends_at", Kind::Time, "The end of the lesson.").required(),
    Field::new(
        "status",
        Kind::OneOf(&["scheduled", "completed", "cancelled"]),
        "The status of the lesson.",
    )
    .required(),
    Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 500 },
        "The reason why the lesson was cancelled or moved.",
    )
    .nullable()
    .required(),
];

/// The time up to which the lessons in a response are planned.
pub(crate) const PLANNED_UNTIL: Field = Field::new(
    "planned_until",
    Kind::Time,
    "The time up to which the lessons of classes without an end are planned. After it, there may be more lessons than \
     the response shows. Null if all classes are planned to their end.",
)
.nullable()
.required();

/// A rescheduled lesson, and the warnings of its class from then on.
const RESCHEDULED: [Field; OCCURRENCE.len() + 1] = {
    let mut fields = [Field::new(
        "warnings",
        Kind::TextList {
            items: 10,
            max: 100,
        },
        "The warnings of the class with the lesson at its new time: `tutor_unavailable`, `tutor_day_off`.",
    )
    .required(); OCCURRENCE.len() + 1];
    let mut index = 0;
    while index < OCCURRENCE.len() {
        fields[index] = OCCURRENCE[index];
        index += 1;
    }
    fields
};

/// Adds the members of the lesson `o`.
pub(crate) fn members(sql: &mut Sql) {
    sql.push(
        "'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason",
    );
}

/// Lists the lessons of a class.
pub(crate) const LIST: Action = Action::get("/v1/classes/{id}/occurrences")
    .id("classes.occurrences.list")
    .summary("List the lessons of a class")
    .granted("classes", LESSONS_VERB)
    .query(&[
        Field::new("from", Kind::Time, "Only lessons that end after this time."),
        Field::new("to", Kind::Time, "Only lessons that begin before this time."),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(OCCURRENCE),
                "The lessons, ordered by original start.",
            )
            .required(),
            PLANNED_UNTIL,
            Field::new(
                "is_truncated",
                Kind::Boolean,
                "Whether there are more lessons than the 2000 returned. If so, request a shorter period.",
            )
            .required(),
        ],
        "The lessons, including moved and cancelled ones.",
    ))
    .sql_from(list);

/// Cancels a lesson.
pub(crate) const CANCEL: Action = Action::post("/v1/classes/{id}/occurrences/{start}/cancel")
    .id("classes.occurrences.cancel")
    .segments(&[START])
    .summary("Cancel a lesson")
    .granted("classes", CHANGE_LESSON_VERB)
    .body(&[REASON])
    .responds(ResponseSpec::fields(
        OCCURRENCE,
        "The cancelled lesson. Its tutor, room and students are free again.",
    ))
    .sql_from(cancel);

/// Reschedules a lesson.
pub(crate) const RESCHEDULE: Action = Action::post("/v1/classes/{id}/occurrences/{start}/move")
    .id("classes.occurrences.move")
    .segments(&[START])
    .summary("Move a lesson")
    .granted("classes", CHANGE_LESSON_VERB)
    .body(&[
        Field::new("starts_at", Kind::Time, "The new start of the lesson.").required(),
        Field::new("ends_at", Kind::Time, "The new end of the lesson.").required(),
        Field::new(
            "room",
            Kind::Text { min: 1, max: 100 },
            "The new room. Defaults to the present room.",
        )
        .nullable(),
        REASON,
    ])
    .responds(ResponseSpec::fields(
        &RESCHEDULED,
        "The lesson at its new time. Its original start does not change.",
    ))
    .sql_from(reschedule);

fn list() -> Sql {
    let mut sql = Sql::from(
        "select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      ",
    );
    members(&mut sql);
    sql.push(
        "
    ) order by o.original_start) filter (where o.row_number <= 2000),
    '[]'::json
  ),
  'planned_until', lms.utc(case when c.status = 'scheduled' then c.planned_until end),
  'is_truncated', count(o.id) > 2000)::text as body,
  null::text as tag
from lms.classes as c
left join lateral (
  select o.*, row_number() over (order by o.original_start) as row_number
  from lms.occurrences as o
  where o.class_id = c.id
    and o.deleted_at is null
    and ($1->>'from' is null or o.ends_at > ($1->>'from')::timestamptz)
    and ($1->>'to' is null or o.starts_at < ($1->>'to')::timestamptz)
  order by o.original_start
  limit 2001
) as o
  on true
where c.id = ($1->>'id')::uuid
  and c.deleted_at is null
group by c.id, c.status, c.planned_until",
    );
    sql
}

fn cancel() -> Sql {
    select_lesson(
        "with o as (
  select o.*
  from lms.cancel_occurrence(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    $1->'input'->>'reason'
  ) as o
)
select
  json_build_object(
      ",
    )
}

fn reschedule() -> Sql {
    let mut sql = Sql::from(
        "with o as materialized (
  select o.*
  from lms.reschedule_occurrence(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    $1->'input'
  ) as o
)
select
  json_build_object(
      ",
    );
    members(&mut sql);
    sql.push(
        ",
      'warnings', lms.current_class_warnings(o.class_id)
    )::text as body,
  null::text as tag
from o",
    );
    sql
}

/// Selects the lesson `o` as the body.
fn select_lesson(beginning: &'static str) -> Sql {
    let mut sql = Sql::from(beginning);
    members(&mut sql);
    sql.push("\n    )::text as body,\n  null::text as tag\nfrom o");
    sql
}
