//! Notification preferences: by which ways the caller is to be reached.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::sql::statement::{Sql, Statement};

const PATH: &str = "/v1/notifications/preferences";

const PREFERENCES: &[Field] = &[
    Field::new("email", Kind::Boolean, "Whether by e-mail.").required(),
    Field::new("sms", Kind::Boolean, "Whether by SMS.").required(),
    Field::new("push", Kind::Boolean, "Whether by push.").required(),
];

const ANSWERS: Answers = Answers {
    status: 200,
    schema: Some(Shape::Fields(PREFERENCES)),
    description: "How the caller is reached. What concerns the security of the account is sent all the same.",
    problems: &[],
};

/// Reads the caller's preferences.
pub(crate) const SHOW: Action = Action {
    method: Method::GET,
    path: PATH,
    segments: &[],
    operation: "notifications.preferences.get",
    summary: "Show how one is reached",
    access: Access::SignedIn,
    body: None,
    query: &[],
    answers: ANSWERS,
    run: Run::Statement(show),
};

/// Sets the caller's preferences.
pub(crate) const SET: Action = Action {
    method: Method::PUT,
    path: PATH,
    segments: &[],
    operation: "notifications.preferences.set",
    summary: "Set how one is reached",
    access: Access::SignedIn,
    body: Some(PREFERENCES),
    query: &[],
    answers: ANSWERS,
    run: Run::Statement(set),
};

fn show() -> Statement {
    Sql::from(
        "-- notifications.preferences.get
select
  json_build_object(
    'email', coalesce(p.email, true),
    'sms', coalesce(p.sms, true),
    'push', coalesce(p.push, true)
  )::text as body,
  null::text as tag
from (select current_setting('app.user_id')::uuid as id) as u
left join lms.notification_preferences as p
  on p.user_id = u.id",
    )
    .prepared("notifications.preferences.get")
}

fn set() -> Statement {
    Sql::from(
        "-- notifications.preferences.set
insert into lms.notification_preferences as p (user_id, email, sms, push)
select
  current_setting('app.user_id')::uuid,
  ($1->'input'->>'email')::boolean,
  ($1->'input'->>'sms')::boolean,
  ($1->'input'->>'push')::boolean
on conflict (tenant_id, user_id) do update
set
  email = excluded.email,
  sms = excluded.sms,
  push = excluded.push
returning
  json_build_object('email', p.email, 'sms', p.sms, 'push', p.push)::text as body,
  null::text as tag",
    )
    .prepared("notifications.preferences.set")
}
