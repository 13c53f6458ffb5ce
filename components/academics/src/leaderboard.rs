//! The totals of points and badges: the leaderboard, and the summary of one student. The awards
//! themselves are in [`crate::gamification`].

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

use crate::gamification::{LEADERBOARD_VERB, SUMMARY_VERB};

const NUMBER: Kind = Kind::Integer {
    min: i64::MIN,
    max: i64::MAX,
};

/// An entry of the leaderboard.
const ENTRY: &[Field] = &[
    Field::new("rank", NUMBER, "The rank. Students with equal points share a rank.").required(),
    Field::new(
        "student_id",
        Kind::Id,
        "The student. Null if the student is outside the caller's scope.",
    )
    .nullable()
    .required(),
    Field::new(
        "name",
        Kind::Text { min: 1, max: 200 },
        "The student's name. For students outside the caller's scope, the leaderboard name that their family chose, or \
         first name and initial.",
    )
    .required(),
    Field::new("points", NUMBER, "The points of the period.").required(),
    Field::new("badges", NUMBER, "The number of badges of the period.").required(),
    Field::new(
        "is_own",
        Kind::Boolean,
        "Whether the student is one of the caller's own.",
    )
    .required(),
];

/// A badge of a student.
const BADGE: &[Field] = &[
    Field::new(
        "badge",
        Kind::Text { min: 1, max: 200 },
        "The name of the badge.",
    )
    .required(),
    Field::new(
        "count",
        NUMBER,
        "The number of times the badge was awarded.",
    )
    .required(),
    Field::new(
        "awarded_at",
        Kind::Time,
        "The time at which the badge was last awarded.",
    )
    .required(),
];

/// Gets the leaderboard.
pub(crate) const GET: Action = Action::get("/v1/gamification/leaderboard")
    .id("gamification.leaderboard")
    .summary("Get the leaderboard")
    .granted("gamification", LEADERBOARD_VERB)
    .query(&[
        Field::new(
            "centre_id",
            Kind::Id,
            "Only students of this centre. Defaults to all centres in the caller's scope.",
        ),
        Field::new("from", Kind::Date, "The first day of the period, in the centre's time zone."),
        Field::new("to", Kind::Date, "The last day of the period, in the centre's time zone."),
        Field::new(
            "limit",
            Kind::Integer { min: 1, max: 200 },
            "The maximum number of entries. Defaults to 50. The caller's own students are included whatever their rank.",
        ),
    ])
    .responds(
        ResponseSpec::fields(
            &[Field::new("data", Kind::Rows(ENTRY), "The leaderboard entries, most points first.").required()],
            "The points of each student in the period.",
        )
        .problems(&[422]),
    )
    .sql(LEADERBOARD_SQL);

/// Gets the summary of a student's awards.
pub(crate) const SUMMARY: Action = Action::get("/v1/gamification/students/{id}/summary")
    .id("gamification.summary")
    .summary("Get a summary of a student's awards")
    .granted("gamification", SUMMARY_VERB)
    .responds(ResponseSpec::fields(
        &[
            Field::new("student_id", Kind::Id, "The student.").required(),
            Field::new("points", NUMBER, "The total number of points.").required(),
            Field::new("awards", NUMBER, "The number of awards.").required(),
            Field::new(
                "points_of_last_30_days",
                NUMBER,
                "The points of the last 30 days.",
            )
            .required(),
            Field::new(
                "attendance_streak",
                NUMBER,
                "The number of lessons attended since the last absence.",
            )
            .required(),
            Field::new(
                "badges",
                Kind::Rows(BADGE),
                "The student's badges, latest first.",
            )
            .required(),
        ],
        "The points, badges and attendance streak of a student.",
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
    'attendance_streak', lms.attendance_streak(s.tenant_id, s.id),
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
