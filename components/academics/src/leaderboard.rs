//! What points and badges come to: the leaderboard, and the summary of one student.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use crate::gamification::{LEADERBOARD, SUMMARY};

const NUMBER: Kind = Kind::Integer {
    min: i64::MIN,
    max: i64::MAX,
};

/// A line of the leaderboard.
const LINE: &[Field] = &[
    Field::new("rank", NUMBER, "The place; equal points share one.").required(),
    Field::new(
        "student_id",
        Kind::Id,
        "The student, where it is within the caller's sight.",
    )
    .nullable()
    .required(),
    Field::new(
        "name",
        Kind::Text { min: 1, max: 200 },
        "The name; of others' students what their family chose, or first name and initial.",
    )
    .required(),
    Field::new("points", NUMBER, "Points of the period.").required(),
    Field::new("badges", NUMBER, "Badges of the period.").required(),
    Field::new(
        "is_own",
        Kind::Boolean,
        "Whether it is one of the caller's own students.",
    )
    .required(),
];

/// A badge that a student has.
const BADGE: &[Field] = &[
    Field::new("badge", Kind::Text { min: 1, max: 200 }, "The badge.").required(),
    Field::new("count", NUMBER, "How often it was awarded.").required(),
    Field::new("awarded_at", Kind::Time, "When it was last awarded.").required(),
];

/// Who has most points.
pub(crate) const SHOW: Action = Action::get("/v1/gamification/leaderboard")
    .id("gamification.leaderboard")
    .summary("Show who has most points")
    .granted("gamification", LEADERBOARD)
    .query(&[
        Field::new(
            "centre_id",
            Kind::Id,
            "Only of this centre; all within the caller's reach by default.",
        ),
        Field::new("from", Kind::Date, "The first day, in the centre's zone."),
        Field::new("to", Kind::Date, "The last day, in the centre's zone."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "Most lines; 50 by default. The caller's own students are shown wherever \
            they stand.",
        ),
    ])
    .responds(
        ResponseSpec::fields(
            &[Field::new("data", Kind::Rows(LINE), "The lines, most points first.").required()],
            "Points of a period by student.",
        )
        .problems(&[422]),
    )
    .sql(LEADERBOARD_SQL);

/// What a student has.
pub(crate) const SUM_UP: Action = Action::get("/v1/gamification/students/{id}/summary")
    .id("gamification.summary")
    .summary("Sum up what a student has")
    .granted("gamification", SUMMARY)
    .responds(ResponseSpec::fields(
        &[
            Field::new("student_id", Kind::Id, "The student.").required(),
            Field::new("points", NUMBER, "All points.").required(),
            Field::new("awards", NUMBER, "How many awards there were.").required(),
            Field::new(
                "points_of_last_30_days",
                NUMBER,
                "Points of the last thirty days.",
            )
            .required(),
            Field::new(
                "attendance_streak",
                NUMBER,
                "Lessons attended since the last absence.",
            )
            .required(),
            Field::new("badges", Kind::Rows(BADGE), "Badges, the latest first.").required(),
        ],
        "Points, badges and streak of a student.",
    ))
    .sql(SUMMARY_SQL);

const LEADERBOARD_SQL: &str = "select
  json_build_object(
    'data', coalesce(
      json_agg(
        json_build_object(
          'rank', l.rank,
          'student_id', l.student_id,
          'name', l.name,
          'points', l.points,
          'badges', l.badges,
          'is_own', l.is_own
        )
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from lms.leaderboard(
  ($1->>'centre_id')::uuid,
  ($1->>'from')::date,
  ($1->>'to')::date,
  coalesce(($1->>'limit')::integer, 50)
) as l";

const SUMMARY_SQL: &str = "select
  json_build_object(
    'student_id', s.id,
    'points', coalesce(g.points, 0),
    'awards', g.awards,
    'points_of_last_30_days', coalesce(g.recent, 0),
    'attendance_streak', lms_private.attendance_streak(s.tenant_id, s.id),
    'badges', coalesce(b.badges, '[]')
  )::text as body,
  null::text as tag
from lms.students as s
cross join lateral (
  select
    sum(r.points) as points,
    count(*) as awards,
    sum(r.points) filter (where r.created_at > now() - interval '30 days') as recent
  from lms.gamification as r
  where r.student_id = s.id
    and r.deleted_at is null
) as g
cross join lateral (
  select
    json_agg(
      json_build_object('badge', b.badge, 'count', b.awards, 'awarded_at', lms.utc(b.awarded_at))
      order by b.awarded_at desc, b.badge
    ) as badges
  from (
    select r.badge, count(*) as awards, max(r.created_at) as awarded_at
    from lms.gamification as r
    where r.student_id = s.id
      and r.badge is not null
      and r.deleted_at is null
    group by r.badge
  ) as b
) as b
where s.id = ($1->>'id')::uuid
  and s.deleted_at is null";
