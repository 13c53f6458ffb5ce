//! Notification preferences: the channels by which the caller is notified. The notifications
//! themselves are in [`crate::notifications`].

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

const PATH: &str = "/v1/notifications/preferences";

const PREFERENCES: &[Field] = &[
    Field::new(
        "email",
        Kind::Boolean,
        "Whether the user receives notifications by e-mail.",
    )
    .required(),
    Field::new(
        "sms",
        Kind::Boolean,
        "Whether the user receives notifications by SMS.",
    )
    .required(),
    Field::new(
        "push",
        Kind::Boolean,
        "Whether the user receives push notifications.",
    )
    .required(),
];

const PREFERENCES_OF_CALLER: ResponseSpec = ResponseSpec::fields(
    PREFERENCES,
    "The caller's notification preferences. Notifications about the security of the account are sent regardless.",
);

/// Gets the caller's preferences.
pub(crate) const GET: Action = Action::get(PATH)
    .id("notifications.preferences.get")
    .summary("Get notification preferences")
    .signed_in()
    .responds(PREFERENCES_OF_CALLER)
    .sql(GET_SQL);

/// Updates the caller's preferences.
pub(crate) const UPDATE: Action = Action::put(PATH)
    .id("notifications.preferences.set")
    .summary("Update notification preferences")
    .signed_in()
    .body(PREFERENCES)
    .responds(PREFERENCES_OF_CALLER)
    .sql(UPDATE_SQL);

const GET_SQL: &str = "select
  json_build_object(
    'email', coalesce(p.email, true),
    'sms', coalesce(p.sms, true),
    'push', coalesce(p.push, true)
  )::text as body,
  null::text as tag
from (select current_setting('app.user_id')::uuid as id) as u
left join lms.notification_preferences as p
  on p.user_id = u.id";

const UPDATE_SQL: &str = "insert into lms.notification_preferences as p (user_id, email, sms, push)
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
  null::text as tag";
