//! Occurrences: the single lessons of a class, known by when the schedule has them.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::sql::statement::{Sql, Statement};

use crate::classes::{CHANGE_LESSON, LESSONS, REASON};

/// The lesson of a class, in a path.
pub(crate) const START: Field = Field::new(
    "start",
    Kind::Time,
    "When the schedule has the lesson: its original_start, also after it was moved.",
);

/// A lesson as it is answered.
pub(crate) const OCCURRENCE: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new("class_id", Kind::Id, "The class.").required(),
    Field::new("centre_id", Kind::Id, "The centre.").required(),
    Field::new("tutor_id", Kind::Id, "Who gives it.").required(),
    Field::new(
        "room",
        Kind::Text { min: 1, max: 100 },
        "Where in the centre.",
    )
    .nullable()
    .required(),
    Field::new(
        "original_start",
        Kind::Time,
        "When the schedule has it; it is known by this.",
    )
    .required(),
    Field::new("starts_at", Kind::Time, "When it begins.").required(),
    Field::new("ends_at", Kind::Time, "When it has ended.").required(),
    Field::new(
        "status",
        Kind::OneOf(&["scheduled", "completed", "cancelled"]),
        "Where it stands.",
    )
    .required(),
    Field::new(
        "reason",
        Kind::Multiline { min: 1, max: 500 },
        "Why it was cancelled or moved.",
    )
    .nullable()
    .required(),
];

/// Up to when the lessons that an answer looked at are made.
pub(crate) const PLANNED_UNTIL: Field = Field::new(
    "planned_until",
    Kind::Time,
    "Up to when the lessons of classes without an end are planned: behind it there may be more than the answer has. Null \
     when all are planned to their end.",
)
.nullable()
.required();

/// A lesson that was moved, and what is odd about its class from then on.
const MOVED: [Field; OCCURRENCE.len() + 1] = {
    let mut fields = [Field::new(
        "warnings",
        Kind::TextList {
            items: 10,
            max: 100,
        },
        "The warnings of the class, with the lesson where it is now: tutor_unavailable, tutor_day_off.",
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

/// Reads the lessons of a class.
pub(crate) const LIST: Action = Action {
    method: Method::GET,
    path: "/v1/classes/{id}/occurrences",
    segments: &[],
    operation: "classes.occurrences.list",
    summary: "List the lessons of a class",
    access: Access::Granted {
        resource: "classes",
        verb: LESSONS,
    },
    body: None,
    query: &[
        Field::new("from", Kind::Time, "Only lessons that end after it."),
        Field::new("to", Kind::Time, "Only lessons that begin before it."),
    ],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&[
            Field::new(
                "data",
                Kind::Rows(OCCURRENCE),
                "The lessons by their original start.",
            )
            .required(),
            PLANNED_UNTIL,
            Field::new(
                "is_truncated",
                Kind::Boolean,
                "Whether there are more than these 2000; ask for a shorter time.",
            )
            .required(),
        ])),
        description: "The lessons, moved and cancelled ones among them.",
        problems: &[],
    },
    run: Run::Statement(list),
};

/// Calls a lesson off.
pub(crate) const CANCEL: Action = Action {
    method: Method::POST,
    path: "/v1/classes/{id}/occurrences/{start}/cancel",
    segments: &[START],
    operation: "classes.occurrences.cancel",
    summary: "Cancel a lesson",
    access: Access::Granted {
        resource: "classes",
        verb: CHANGE_LESSON,
    },
    body: Some(&[REASON]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(OCCURRENCE)),
        description: "The lesson, cancelled: tutor, room and students are free again.",
        problems: &[],
    },
    run: Run::Statement(cancel),
};

/// Moves a lesson.
pub(crate) const MOVE: Action = Action {
    method: Method::POST,
    path: "/v1/classes/{id}/occurrences/{start}/move",
    segments: &[START],
    operation: "classes.occurrences.move",
    summary: "Move a lesson",
    access: Access::Granted {
        resource: "classes",
        verb: CHANGE_LESSON,
    },
    body: Some(&[
        Field::new("start", Kind::Time, "When it begins now.").required(),
        Field::new("end", Kind::Time, "When it has ended now.").required(),
        Field::new(
            "room",
            Kind::Text { min: 1, max: 100 },
            "Where it is now; the room stays when this is left out.",
        )
        .nullable(),
        REASON,
    ]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(&MOVED)),
        description: "The lesson at its new time, with its original start.",
        problems: &[],
    },
    run: Run::Statement(relocate),
};

fn list() -> Statement {
    let mut sql = Sql::from(
        "-- classes.occurrences.list
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      ",
    );
    members(&mut sql);
    sql.push(
        "
    ) order by o.original_start) filter (where o.place <= 2000),
    '[]'::json
  ),
  'planned_until', lms.utc(case when c.status = 'scheduled' then c.planned_until end),
  'is_truncated', count(o.id) > 2000)::text as body,
  null::text as tag
from lms.classes as c
left join lateral (
  select o.*, row_number() over (order by o.original_start) as place
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
    sql.prepared("classes.occurrences.list")
}

fn cancel() -> Statement {
    one(
        "-- classes.occurrences.cancel
with o as (
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
        "classes.occurrences.cancel",
    )
}

fn relocate() -> Statement {
    let mut sql = Sql::from(
        "-- classes.occurrences.move
with o as materialized (
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
    sql.prepared("classes.occurrences.move")
}

/// `select` of the lesson `o` as body.
fn one(beginning: &'static str, operation: &str) -> Statement {
    let mut sql = Sql::from(beginning);
    members(&mut sql);
    sql.push("\n    )::text as body,\n  null::text as tag\nfrom o");
    sql.prepared(operation)
}
