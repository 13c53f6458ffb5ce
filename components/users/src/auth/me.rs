//! The identity of the caller. The list of the caller's sessions is in `sessions`.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

/// Gets the current user.
pub(crate) const GET: Action = Action::get("/v1/auth/me")
    .id("auth.me")
    .summary("Get the current user")
    .signed_in()
    .responds(ResponseSpec::fields(
        &[
            Field::new("user", Kind::Json { bytes: 0 }, "The user.").required(),
            Field::new("tenant", Kind::Json { bytes: 0 }, "The tenant.").required(),
            Field::new("role", Kind::Text { min: 1, max: 20 }, "The role.").required(),
            Field::new("region", Kind::Text { min: 2, max: 2 }, "The region.").required(),
            Field::new(
                "scopes",
                Kind::TextList { items: 50, max: 50 },
                "The scopes of the role: the rows that it can access.",
            )
            .required(),
            Field::new("session_id", Kind::Id, "The id of the session.").required(),
        ],
        "The current user, with role, tenant and session.",
    ))
    .sql(GET_SQL);

const GET_SQL: &str = "select
  json_build_object(
    'user', r.identity->'user',
    'tenant', r.identity->'tenant',
    'role', current_setting('app.role'),
    'region', r.identity->'tenant'->>'region',
    'scopes', json_build_array(
      case
        when current_setting('app.role') in ('admin', 'finance', 'support') then 'tenant'
        when current_setting('app.role') in ('supervisor', 'assessor') then 'centre'
        when current_setting('app.role') = 'tutor' then 'assigned_students'
        when current_setting('app.role') = 'parent' then 'children'
        else 'own'
      end
    ),
    'session_id', current_setting('app.session_id')
  )::text as body,
  null::text as tag
from (select lms.me() as identity) as r";
