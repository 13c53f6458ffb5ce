//! Making accounts with their profile, and letting them sign in or not.

use http::Method;
use platform::auth::policy::{Access, Grant};
use platform::declare::action::{Action, Answers, Arguments, Call, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::declare::statements::projection::{self, Depth};
use platform::sql::statement::{Sql, Statement};
use platform::values::random;
use serde_json::{Map, Value, json};

use crate::users::USERS;
use crate::{password, profile, users};

/// The body of a new account: the user's own fields, a password and a profile.
const NEW: &[Field] = &[
    USERS.fields[0],
    USERS.fields[1],
    USERS.fields[2],
    USERS.fields[3],
    USERS.fields[4],
    USERS.fields[5],
    USERS.fields[6],
    Field::new(
        "password",
        password::KIND,
        "The first password; without one the user begins with a password reset.",
    ),
    Field::new(
        "profile",
        Kind::Object(profile::FIELDS),
        "The row of its role, made in the same transaction.",
    ),
];

/// Makes an account.
pub(crate) const CREATE: Action = Action {
    method: Method::POST,
    path: "/v1/users",
    segments: &[],
    operation: "users.create",
    summary: "Create a user",
    access: Access::Granted {
        resource: "users",
        verb: users::CREATE,
    },
    body: Some(NEW),
    query: &[],
    answers: Answers {
        status: 201,
        schema: Some(Shape::Resource(&USERS)),
        description: "The user that was made.",
        problems: &[],
    },
    run: Run::Asking(prepare, create),
};

/// Stops an account from signing in, and ends its sessions.
pub(crate) const DEACTIVATE: Action = Action {
    method: Method::POST,
    path: "/v1/users/{id}/deactivate",
    segments: &[],
    operation: "users.deactivate",
    summary: "Deactivate a user",
    access: Access::Granted {
        resource: "users",
        verb: users::DEACTIVATE,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&USERS)),
        description: "The user, inactive; all its sessions have ended. The last active admin stays: 409.",
        problems: &[409],
    },
    run: Run::View(deactivate),
};

/// Lets an account sign in again.
pub(crate) const ACTIVATE: Action = Action {
    method: Method::POST,
    path: "/v1/users/{id}/activate",
    segments: &[],
    operation: "users.activate",
    summary: "Activate a user",
    access: Access::Granted {
        resource: "users",
        verb: users::ACTIVATE,
    },
    body: None,
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Resource(&USERS)),
        description: "The user, active.",
        problems: &[],
    },
    run: Run::View(activate),
};

/// Hashes the password, which must not reach the database, and checks the profile against the role.
fn prepare<'a>(call: &'a Call<'a>) -> Arguments<'a> {
    Box::pin(async {
        profile::check(&call.body)?;
        let mut input = call.body.clone();
        let hash = match input.remove("password") {
            Some(Value::String(password)) => {
                Some(password::hash(&call.asker(""), "/password", &password).await?)
            }
            _ => None,
        };
        let mut arguments = Map::new();
        arguments.insert("id".to_owned(), json!(random::id()));
        arguments.insert("profile_id".to_owned(), json!(random::id()));
        arguments.insert("password_hash".to_owned(), json!(hash));
        arguments.insert("input".to_owned(), Value::Object(input));
        Ok(arguments)
    })
}

fn create(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- users.create
with given as (
  select
    $1->'input' as input,
    $1->'input'->'profile' as profile,
    ($1->>'profile_id')::uuid as profile_id
),
r as (
  insert into lms.users as r (
    id, name, email, phone, role, centre_id, language_preferences, accessibility_settings, password_hash
  )
  select
    ($1->>'id')::uuid,
    given.input->>'name',
    given.input->>'email',
    given.input->>'phone',
    given.input->>'role',
    lms.check_reference(
      'centre_id',
      (given.input->>'centre_id')::uuid,
      exists (
        select from lms.centres as t
        where t.id = (given.input->>'centre_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(given.input->'language_preferences', '[]'::jsonb),
    coalesce(given.input->'accessibility_settings', '{}'::jsonb),
    $1->>'password_hash'
  from given",
    );
    projection::returning(&mut sql, &USERS);
    sql.push(
        ", student as (
  insert into lms.students (id, user_id, centre_id, dob, special_needs, languages, parent_id)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    (given.profile->>'dob')::date,
    coalesce(given.profile->'special_needs', '[]'::jsonb),
    coalesce(given.profile->'languages', '[]'::jsonb),
    lms.check_reference(
      'profile/parent_id',
      (given.profile->>'parent_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = (given.profile->>'parent_id')::uuid
          and t.role = 'parent'
          and t.status = 'active'
          and t.deleted_at is null
      )
    )
  from r
  cross join given
  where r.role = 'student'
    and given.profile is not null
),
tutor as (
  insert into lms.tutors (id, user_id, centre_id, max_students)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    coalesce((given.profile->>'max_students')::integer, 10)
  from r
  cross join given
  where r.role = 'tutor'
    and given.profile is not null
),
guardian as (
  insert into lms.guardians (id, user_id, student_id, relationship)
  select
    given.profile_id,
    r.id,
    lms.check_reference(
      'profile/student_id',
      (given.profile->>'student_id')::uuid,
      exists (
        select from lms.students as t
        where t.id = (given.profile->>'student_id')::uuid
          and t.deleted_at is null
      )
    ),
    given.profile->>'relationship'
  from r
  cross join given
  where r.role = 'parent'
    and given.profile is not null
),
staff as (
  insert into lms.staff (id, user_id, centre_id, title, department, hired_on)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    given.profile->>'title',
    given.profile->>'department',
    (given.profile->>'hired_on')::date
  from r
  cross join given
  where r.role in ('supervisor', 'admin', 'finance', 'assessor', 'support')
    and given.profile is not null
)
select
  ",
    );
    answer(sql, grant, "users.create")
}

/// `select` of the user `r` as body and its version as tag.
fn answer(mut sql: Sql, grant: &Grant, operation: &str) -> Statement {
    sql.append(&projection::object(&USERS, grant, Depth::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql.prepared(operation)
}

fn deactivate(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- users.deactivate
with r as (
  update lms.users as r
  set status = 'inactive'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &USERS);
    sql.push("select\n  ");
    answer(sql, grant, "users.deactivate")
}

fn activate(grant: &Grant) -> Statement {
    let mut sql = Sql::from(
        "-- users.activate
with r as (
  update lms.users as r
  set status = 'active'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &USERS);
    sql.push("select\n  ");
    answer(sql, grant, "users.activate")
}
