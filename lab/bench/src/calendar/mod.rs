//! Fills the calendar of a tenant at two sizes, for measuring its views, the search for free slots and the creation of a class.
//! The tenant itself is created in `bench_tenant`.

mod conflict_check;

use anyhow::{Context, Result};
use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::client_account::ClientAccount;
use super::{bench_tenant, database_copy};

pub(super) use conflict_check::measure as measure_conflict_check;

/// The number of tutors at the two sizes.
pub(super) const SMALL_TUTORS: i32 = 5;
pub(super) const LARGE_TUTORS: i32 = 500;
/// The number of lessons of each tutor, about a year with 40 lessons a week.
pub(super) const LESSONS_PER_TUTOR: i32 = 2_000;
/// The hours after all lessons that new classes are spread over, 160 years.
const FREE_HOURS: i64 = 160 * 365 * 24;

/// Returns the Monday on which the lessons begin.
fn first_day() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2026, 1, 5)
        .unwrap_or_default()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
}

/// Returns the query parameters of this many days from a Monday in the middle of the lessons.
pub(super) fn period(days: i64) -> String {
    let from = first_day() + Duration::weeks(20);
    let to = from + Duration::days(days);
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("from={}&to={}", text(from), text(to))
}

/// Returns the body of a class with one lesson at a random hour after all others, so that it hardly ever conflicts.
pub(super) fn new_class(account: &ClientAccount, pick: usize) -> Value {
    let day = first_day() + Duration::days(2_000);
    let hour = rand::random_range(0..FREE_HOURS);
    let start = (day + Duration::hours(hour)).naive_utc();
    let end = start + Duration::hours(1);
    let one = |ids: &[Uuid]| ids.get(pick % ids.len().max(1)).copied();
    let text = |time: chrono::NaiveDateTime| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({
        "centre_id": account.centres.first(),
        "tutor_id": one(&account.tutors),
        "student_ids": [one(&account.students)],
        "schedule": {"start": text(start), "end": text(end), "time_zone": "UTC", "recurring": null}
    })
}

/// Writes the tutors after number `from` up to number `to`, with students, classes and lessons.
pub(super) async fn fill(client: &mut Client, tenant: Uuid, from: i32, to: i32) -> Result<()> {
    let transaction = bench_tenant::begin(client, tenant).await?;
    for statement in [USERS, TUTORS, STUDENTS, CLASSES, ENROLMENTS] {
        transaction
            .execute(statement, &[&(from + 1), &to])
            .await
            .map_err(explain)
            .context("cannot write the tutors and students of the calendar")?;
    }
    for statement in [OCCURRENCES, ATTENDANCES] {
        transaction
            .execute(
                statement,
                &[&(from + 1), &to, &LESSONS_PER_TUTOR, &first_day()],
            )
            .await
            .map_err(explain)
            .context("cannot write the lessons of the calendar")?;
    }
    transaction.commit().await.map_err(explain)?;
    database_copy::vacuum_and_checkpoint(client).await
}

/// Inserts a tutor and ten students for each number.
const USERS: &str = "
insert into lms.users (id, centre_id, name, email, role)
select
  md5(person.role || person.number)::uuid,
  (select c.id from lms.centres as c where c.tenant_id = current_setting('app.tenant_id')::uuid),
  initcap(person.role) || ' ' || person.number,
  person.role || person.number || '@bench.example',
  person.role
from (
  select 'tutor' as role, number
  from generate_series($1::integer, $2::integer) as number
  union all
  select 'student', number
  from generate_series(($1 - 1) * 10 + 1, $2 * 10) as number
) as person";

const TUTORS: &str = "
insert into lms.tutors (id, user_id, centre_id, name, subjects, availability, max_students, current_students)
select
  md5('the tutor' || number)::uuid,
  u.id,
  u.centre_id,
  u.name,
  '[{\"subject\": \"reading\", \"level\": null}]',
  '{\"weekly\": [
    {\"weekday\": \"monday\", \"start\": \"09:00\", \"end\": \"19:00\"},
    {\"weekday\": \"tuesday\", \"start\": \"09:00\", \"end\": \"19:00\"},
    {\"weekday\": \"wednesday\", \"start\": \"09:00\", \"end\": \"19:00\"},
    {\"weekday\": \"thursday\", \"start\": \"09:00\", \"end\": \"19:00\"},
    {\"weekday\": \"friday\", \"start\": \"09:00\", \"end\": \"19:00\"}
  ]}',
  20,
  10
from generate_series($1::integer, $2::integer) as number
join lms.users as u
  on u.tenant_id = current_setting('app.tenant_id')::uuid
  and u.id = md5('tutor' || number)::uuid";

const STUDENTS: &str = "
insert into lms.students (id, user_id, centre_id, assigned_tutor_id)
select
  md5('the student' || number)::uuid,
  u.id,
  u.centre_id,
  md5('the tutor' || (number + 9) / 10)::uuid
from generate_series(($1::integer - 1) * 10 + 1, $2::integer * 10) as number
join lms.users as u
  on u.tenant_id = current_setting('app.tenant_id')::uuid
  and u.id = md5('student' || number)::uuid";

/// Inserts a weekly class for each student.
const CLASSES: &str = "
insert into lms.classes (id, centre_id, tutor_id, student_ids, schedule)
select
  md5('the class' || number)::uuid,
  s.centre_id,
  s.assigned_tutor_id,
  jsonb_build_array(s.id),
  '{\"start\": \"2026-01-05T10:00:00\", \"end\": \"2026-01-05T11:00:00\", \"time_zone\": \"Europe/London\"}'
from generate_series(($1::integer - 1) * 10 + 1, $2::integer * 10) as number
join lms.students as s
  on s.tenant_id = current_setting('app.tenant_id')::uuid
  and s.id = md5('the student' || number)::uuid";

const ENROLMENTS: &str = "
insert into lms.enrolments (class_id, student_id)
select md5('the class' || number)::uuid, md5('the student' || number)::uuid
from generate_series(($1::integer - 1) * 10 + 1, $2::integer * 10) as number";

/// Inserts eight lessons a day, five days a week, for one student after another.
const OCCURRENCES: &str = "
insert into lms.occurrences (id, class_id, centre_id, tutor_id, original_start, starts_at, ends_at)
select
  md5('the lesson' || tutor || '/' || lesson)::uuid,
  c.id,
  c.centre_id,
  c.tutor_id,
  l.starts_at,
  l.starts_at,
  l.starts_at + interval '1 hour'
from generate_series($1::integer, $2::integer) as tutor
cross join generate_series(0, $3::integer - 1) as lesson
cross join lateral (
  select $4::timestamptz + make_interval(weeks => lesson / 40, days => lesson % 40 / 8, hours => 10 + lesson % 8) as starts_at
) as l
join lms.classes as c
  on c.tenant_id = current_setting('app.tenant_id')::uuid
  and c.id = md5('the class' || (tutor - 1) * 10 + 1 + lesson % 10)::uuid";

const ATTENDANCES: &str = "
insert into lms.attendances (occurrence_id, class_id, student_id, starts_at, ends_at, is_booked)
select
  o.id,
  o.class_id,
  e.student_id,
  o.starts_at,
  o.ends_at,
  true
from generate_series($1::integer, $2::integer) as tutor
cross join generate_series(0, $3::integer - 1) as lesson
join lms.occurrences as o
  on o.tenant_id = current_setting('app.tenant_id')::uuid
  and o.id = md5('the lesson' || tutor || '/' || lesson)::uuid
join lms.enrolments as e
  on e.tenant_id = o.tenant_id
  and e.class_id = o.class_id
where $4::timestamptz is not null";
