-- A sign-in that is under way while its password changes or its tenant is suspended opens no session.

set local role lms_owner;

drop function lms.complete_sign_in(uuid, uuid, uuid, uuid, bytea, text, text, interval);

create function lms.complete_sign_in(
  attempt_id uuid,
  tenant_id uuid,
  user_id uuid,
  session_id uuid,
  refresh_hash bytea,
  user_agent text,
  address text,
  lifetime interval default interval '30 days',
  verified_hash text default null
) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  identity json;
begin
  -- Verifying the password takes a while. Whoever suspends the tenant or changes the user or the
  -- password meanwhile ends all sessions, which this one must be among, or it must not begin.
  perform
  from lms.tenants as t
  where t.tenant_id = complete_sign_in.tenant_id
  for share;
  perform
  from lms.users as u
  where u.tenant_id = complete_sign_in.tenant_id
    and u.id = user_id
    and u.password_hash is not distinct from coalesce(verified_hash, u.password_hash)
  for share;
  if found then
    identity := lms_private.identity_json(tenant_id, user_id);
  end if;
  if identity is null then
    perform lms.record_failed_attempt(attempt_id);
    return null;
  end if;
  -- From here on the audit columns, the event and its chain know the caller.
  perform
    set_config('app.tenant_id', tenant_id::text, true),
    set_config('app.user_id', user_id::text, true);
  perform lms_private.clear_failed_attempts(attempt_id);
  insert into lms.sessions (tenant_id, id, user_id, user_agent, address, expires_at)
  values (tenant_id, session_id, user_id, left(user_agent, 500), left(address, 64), now() + lifetime);
  insert into lms.refresh_tokens (tenant_id, session_id, token_hash)
  values (tenant_id, session_id, refresh_hash);
  return identity;
end
$$;

comment on function lms.complete_sign_in is
  'Second step of sign-in, after the password was correct: opens the session. Returns {"user": ..., "tenant": {"id", "slug", "name", "region"}}; null when user or tenant is not active, or when the user''s password hash is no longer the verified one.';

alter function lms.complete_sign_in owner to lms_definer;
grant execute on function lms.complete_sign_in to lms_application;
