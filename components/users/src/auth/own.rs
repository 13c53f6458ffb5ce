//! One's own identity and sessions.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

/// The caller.
pub(crate) const ME: Action = Action::get("/v1/auth/me")
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
    .sql(ME_SQL);

/// A session as it is listed.
const SESSION: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new(
        "current",
        Kind::Boolean,
        "Whether this is the session of the current request.",
    )
    .required(),
    Field::new(
        "user_agent",
        Kind::Text { min: 0, max: 500 },
        "The `User-Agent` of the client.",
    )
    .nullable()
    .required(),
    Field::new(
        "address",
        Kind::Text { min: 0, max: 64 },
        "The network address of the client.",
    )
    .nullable()
    .required(),
    Field::new(
        "created_at",
        Kind::Time,
        "The time at which the session was opened.",
    )
    .required(),
    Field::new(
        "last_used_at",
        Kind::Time,
        "The time at which the session was last refreshed.",
    )
    .required(),
    Field::new(
        "expires_at",
        Kind::Time,
        "The time at which the session expires.",
    )
    .required(),
];

/// One's own live sessions.
pub(crate) const SESSIONS: Action = Action::get("/v1/auth/sessions")
    .id("auth.sessions.list")
    .summary("List your sessions")
    .signed_in()
    .responds(ResponseSpec::fields(
        &[
            Field::new(
                "data",
                Kind::Rows(SESSION),
                "The active sessions, most recently used first.",
            )
            .required(),
            Field::new(
                "next_cursor",
                Kind::Text { min: 1, max: 1 },
                "Always null, because there is only one page.",
            )
            .nullable()
            .required(),
        ],
        "The caller's active sessions.",
    ))
    .sql(SESSIONS_SQL);

/// Ends one of one's own sessions.
pub(crate) const REVOKE: Action = Action::delete("/v1/auth/sessions/{id}")
    .id("auth.sessions.delete")
    .summary("End a session")
    .signed_in()
    .responds(ResponseSpec::none("The session has ended."))
    .sql(REVOKE_SQL);

const ME_SQL: &str = "select
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

const SESSIONS_SQL: &str = "select
  json_build_object(
    'data', coalesce(
      json_agg(
        json_build_object(
          'id', r.id,
          'current', r.id = current_setting('app.session_id')::uuid,
          'user_agent', r.user_agent,
          'address', r.address,
          'created_at', lms.utc(r.created_at),
          'last_used_at', lms.utc(r.last_used_at),
          'expires_at', lms.utc(r.expires_at)
        )
        order by r.last_used_at desc, r.id desc
      ),
      '[]'::json
    ),
    'next_cursor', null
  )::text as body,
  null::text as tag
from lms.sessions as r
where r.user_id = current_setting('app.user_id')::uuid
  and r.revoked_at is null
  and r.expires_at > now()";

const REVOKE_SQL: &str = "with ended as (
  update lms.sessions as r
  set revoked_at = now()
  where r.id = ($1->>'id')::uuid
    and r.user_id = current_setting('app.user_id')::uuid
    and r.revoked_at is null
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended";
