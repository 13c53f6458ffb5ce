//! The calendar: the lessons of a period in all classes in the caller's scope. The calendar that
//! other programs subscribe to is in [`crate::feed`].

use chrono::{DateTime, TimeDelta};
use domain::role;
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::{self, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate;
use platform::sql::statement::{Sql, Statement};
use platform::values::field_error::FieldError;
use serde_json::Value;

use crate::classes::LESSONS_VERB;
use crate::occurrences;

/// The longest period that one request may ask for.
const MAX_SPAN: TimeDelta = TimeDelta::days(62);

/// The fields of a lesson in the calendar, besides those that every lesson has.
const CALENDAR_FIELDS: [Field; 6] = [
    Field::new(
        "student_id",
        Kind::Id,
        "The student whose lesson it is, in a calendar of students. Null in other calendars.",
    )
    .nullable()
    .required(),
    Field::new(
        "attendance",
        Kind::OneOf(&["present", "absent", "late", "excused"]),
        "The attendance of that student.",
    )
    .nullable()
    .required(),
    Field::new(
        "subject",
        Kind::Text { min: 1, max: 100 },
        "The subject taught.",
    )
    .nullable()
    .required(),
    Field::new(
        "level",
        Kind::Text { min: 1, max: 100 },
        "The level taught.",
    )
    .nullable()
    .required(),
    Field::new(
        "meeting_provider",
        Kind::OneOf(&["teams", "zoom", "chime"]),
        "The provider of the online meeting.",
    )
    .nullable()
    .required(),
    Field::new(
        "meeting_url",
        Kind::Text { min: 1, max: 2048 },
        "The URL of the online meeting.",
    )
    .nullable()
    .required(),
];

const ENTRY: [Field; occurrences::OCCURRENCE.len() + CALENDAR_FIELDS.len()] = {
    let mut fields = [CALENDAR_FIELDS[0]; occurrences::OCCURRENCE.len() + CALENDAR_FIELDS.len()];
    let mut index = 0;
    while index < fields.len() {
        fields[index] = if index < occurrences::OCCURRENCE.len() {
            occurrences::OCCURRENCE[index]
        } else {
            CALENDAR_FIELDS[index - occurrences::OCCURRENCE.len()]
        };
        index += 1;
    }
    fields
};

/// Lists the lessons of a period.
pub(crate) const LIST: Action = Action::get("/v1/calendar")
    .id("calendar.list")
    .summary("List lessons in the calendar")
    .granted("classes", LESSONS_VERB)
    .query(&[
        Field::new("from", Kind::Time, "Only lessons that end after this time.").required(),
        Field::new(
            "to",
            Kind::Time,
            "Only lessons that begin before this time, at most 62 days after `from`.",
        )
        .required(),
        Field::new("tutor_id", Kind::Id, "Only lessons of this tutor."),
        Field::new("student_id", Kind::Id, "Only lessons of this student."),
        Field::new("centre_id", Kind::Id, "Only lessons at this centre."),
    ])
    .responds(ResponseSpec::fields(
        &[
            Field::new("data", Kind::Rows(&ENTRY), "The lessons, ordered by start.").required(),
            Field::new(
                "is_truncated",
                Kind::Boolean,
                "Whether there are more lessons than the 1000 returned. If so, request a shorter period.",
            )
            .required(),
            occurrences::PLANNED_UNTIL,
        ],
        "The lessons in the caller's scope: lessons the caller teaches, attends or is responsible for.",
    ))
    .custom(list);

/// The scope in which lessons are searched. It decides which index finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarScope {
    /// The lessons of one student, or of the caller's own students.
    Students,
    /// The lessons of one tutor, or of the caller as a tutor.
    Tutor,
    /// The lessons of one centre, or of the caller's centre.
    Centre,
    /// All lessons in the caller's scope.
    All,
}

fn list<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async move {
        check(context)?;
        let statement = statement(scope(context));
        match context.run(&statement, context.arguments()).await {
            Ok(answer) => {
                let body = answer.body.ok_or_else(|| {
                    Problem::new(problem::Kind::Internal).cause("a calendar without an answer")
                })?;
                Ok(Response::json(200, body))
            }
            Err(error) => sqlstate::into_response(error),
        }
    })
}

/// Refuses a period that ends before it begins, or that is too long.
fn check(context: &ActionContext<'_>) -> Result<(), Problem> {
    let time = |name: &str| {
        context
            .query
            .get(name)
            .and_then(Value::as_str)
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
    };
    let (Some(from), Some(to)) = (time("from"), time("to")) else {
        return Err(Problem::new(problem::Kind::Internal).cause("a calendar without its bounds"));
    };
    if to <= from || to - from > MAX_SPAN {
        let detail = "Must be after `from`, by at most 62 days.";
        return Err(Problem::malformed(vec![FieldError::parameter(
            "to",
            "out_of_range",
            detail,
        )]));
    }
    Ok(())
}

fn scope(context: &ActionContext<'_>) -> CalendarScope {
    let role = context.caller.map(|caller| caller.role);
    let asks = |name: &str| context.query.contains_key(name);
    if matches!(role, Some(role::STUDENT | role::PARENT)) || asks("student_id") {
        CalendarScope::Students
    } else if role == Some(role::TUTOR) || asks("tutor_id") {
        CalendarScope::Tutor
    } else if matches!(role, Some(role::SUPERVISOR | role::ASSESSOR)) || asks("centre_id") {
        CalendarScope::Centre
    } else {
        CalendarScope::All
    }
}

/// Returns the statement that lists the lessons of a scope. The condition for which an index is
/// used comes first, and the remaining conditions filter the rows that it found.
///
/// Computed values are placed in subqueries. PostgreSQL then treats the comparison of a column with
/// such a value as leakproof, and can use an index under row security.
pub fn statement(scope: CalendarScope) -> Statement {
    let mut sql = Sql::from(PAGE_SQL);
    occurrences::members(&mut sql);
    sql.push(student_members(scope))
        .push(CLASS_MEMBERS_SQL)
        .push(source(scope))
        .push(PERIOD_SQL);
    Statement::named("calendar.list", sql)
}

/// Returns the members of an entry that only a calendar of students fills.
fn student_members(scope: CalendarScope) -> &'static str {
    match scope {
        CalendarScope::Students => {
            ",
      'student_id', o.student_id,
      'attendance', o.attendance"
        }
        _ => {
            ",
      'student_id', null,
      'attendance', null"
        }
    }
}

/// Returns the table of a scope, and the condition for which an index is used.
fn source(scope: CalendarScope) -> &'static str {
    match scope {
        CalendarScope::Students => {
            ", a.student_id, a.status as attendance
    from lms.attendances as a
    join lms.occurrences as o
      on o.id = a.occurrence_id
    where a.student_id = any ((
        select case
          when $1->>'student_id' is null then lms.caller_students()
          else array[($1->>'student_id')::uuid]
        end
      )::uuid[])
      and a.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and a.starts_at < ($1->>'to')::timestamptz
      and a.deleted_at is null"
        }
        CalendarScope::Tutor => {
            "
    from lms.occurrences as o
    where o.tutor_id = (select coalesce(($1->>'tutor_id')::uuid, lms.caller_tutor()))"
        }
        CalendarScope::Centre => {
            "
    from lms.occurrences as o
    where o.centre_id = (
        select coalesce(($1->>'centre_id')::uuid, current_setting('app.centre_id')::uuid)
      )"
        }
        CalendarScope::All => {
            "
    from lms.occurrences as o
    where true"
        }
    }
}

/// The statement up to the members of an entry.
const PAGE_SQL: &str = "select
  json_build_object(
    'data', coalesce(json_agg(f.entry order by f.starts_at, f.id) filter (where f.row_number <= 1000), '[]'::json),
    'is_truncated', count(*) > 1000,
    'planned_until', (
      select lms.utc(min(c.planned_until))
      from lms.classes as c
      where c.planned_until is not null
        and c.status = 'scheduled'
        and c.deleted_at is null
        and ($1->>'tutor_id' is null or c.tutor_id = ($1->>'tutor_id')::uuid)
        and ($1->>'centre_id' is null or c.centre_id = ($1->>'centre_id')::uuid)
        and ($1->>'student_id' is null or c.student_ids ? ($1->>'student_id'))
    )
  )::text as body,
  null::text as tag
from (
  select
    o.starts_at,
    o.id,
    row_number() over (order by o.starts_at, o.id) as row_number,
    json_build_object(
      ";

/// The members of the class, up to the source of the lessons.
const CLASS_MEMBERS_SQL: &str = ",
      'subject', c.subject,
      'level', c.level,
      'meeting_provider', c.meeting_provider,
      'meeting_url', c.meeting_url
    ) as entry
  from (
    select o.*";

/// The conditions that all scopes have, and the end of the statement.
const PERIOD_SQL: &str = "
      and o.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and o.starts_at < ($1->>'to')::timestamptz
      and o.ends_at > ($1->>'from')::timestamptz
      and o.deleted_at is null
      and ($1->>'tutor_id' is null or o.tutor_id = ($1->>'tutor_id')::uuid)
      and ($1->>'centre_id' is null or o.centre_id = ($1->>'centre_id')::uuid)
    order by o.starts_at, o.id
    limit 1001
  ) as o
  left join lms.classes as c
    on c.id = o.class_id
) as f";
