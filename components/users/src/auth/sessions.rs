//! The sessions of the caller: listing them and ending one of them. Sessions are opened in `sign_in`.

use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;

/// A session as a response returns it.
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

/// Lists the caller's active sessions.
pub(crate) const LIST: Action = Action::get("/v1/auth/sessions")
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
    .sql(LIST_SQL);

/// Ends one of the caller's sessions.
pub(crate) const REVOKE: Action = Action::delete("/v1/auth/sessions/{id}")
    .id("auth.sessions.delete")
    .summary("End a session")
    .signed_in()
    .responds(ResponseSpec::none("The session has ended."))
    .sql(REVOKE_SQL);

const LIST_SQL: &str = "select
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
