//! A tenant with a full calendar: what the week of a tutor, the month of a student, the search for a free slot and a
//! booking are measured on. It grows while the run goes on, so that times can be compared between its sizes.

mod conflict;

use anyhow::{Context, Result};
use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::person::Person;
use super::{data, own_tenant};

pub(super) use conflict::check as conflict_check;

/// Tutors of the two sizes.
pub(super) const FEW_TUTORS: i32 = 5;
pub(super) const MANY_TUTORS: i32 = 500;
/// Lessons of each tutor: about a year of 40 a week.
pub(super) const LESSONS: i32 = 2_000;
/// Hours behind the lessons that bookings are spread over: 160 years.
const HOURS: i64 = 160 * 365 * 24;

/// The Monday on which the lessons begin.
fn first_day() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2026, 1, 5)
        .unwrap_or_default()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
}

/// So many days from the Monday of a week in the middle of the lessons on, as parameters of a query.
pub(super) fn query(days: i64) -> String {
    let from = first_day() + Duration::weeks(20);
    let to = from + Duration::days(days);
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("from={}&to={}", text(from), text(to))
}

/// A class of one hour, in an hour after all lessons that nobody else is likely to take.
pub(super) fn new_class(person: &Person, pick: usize) -> Value {
    let day = first_day() + Duration::days(2_000);
    let hour = rand::random_range(0..HOURS);
    let start = (day + Duration::hours(hour)).naive_utc();
    let end = start + Duration::hours(1);
    let one = |ids: &[Uuid]| ids.get(pick % ids.len().max(1)).copied();
    let text = |time: chrono::NaiveDateTime| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({
        "centre_id": person.centres.first(),
        "tutor_id": one(&person.tutors),
        "student_ids": [one(&person.students)],
        "schedule": {"start": text(start), "end": text(end), "time_zone": "UTC", "recurring": null}
    })
}

/// Writes the tutors behind number `from` up to number `to`, with students, classes and lessons.
pub(super) async fn fill(client: &mut Client, tenant: Uuid, from: i32, to: i32) -> Result<()> {
    let transaction = own_tenant::begin(client, tenant).await?;
    for statement in [USERS, TUTORS, STUDENTS, CLASSES, ENROLMENTS] {
        transaction
            .execute(statement, &[&(from + 1), &to])
            .await
            .map_err(explain)
            .context("cannot write the people of the calendar")?;
    }
    for statement in [OCCURRENCES, ATTENDANCES] {
        transaction
            .execute(statement, &[&(from + 1), &to, &LESSONS, &first_day()])
            .await
            .map_err(explain)
            .context("cannot write the lessons of the calendar")?;
    }
    transaction.commit().await.map_err(explain)?;
    data::settle(client).await
}

/// A tutor and ten students, each by number.
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

/// A class for each student, each week.
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

/// Eight lessons a day, five days a week, one student after the other.
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
