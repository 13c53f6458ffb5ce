-- Sign-in and refresh. These functions bypass row security, because there is no caller yet; they
-- are owned by lms_definer. A refusal that has to be recorded returns null, because an error would
-- roll the record back.

create function lms_private.user_json(account lms.users) returns json
language sql
stable
return json_build_object(
  'id', account.id,
  'centre_id', account.centre_id,
  'name', account.name,
  'email', account.email,
  'phone', account.phone,
  'role', account.role,
  'language_preferences', account.language_preferences,
  'accessibility_settings', account.accessibility_settings,
  'status', account.status,
  'created_at', lms.utc(account.created_at),
  'updated_at', lms.utc(account.updated_at),
  'created_by', account.created_by,
  'updated_by', account.updated_by
);

comment on function lms_private.user_json is 'A user as the interface shows it, without the password hash.';

grant execute on function lms_private.user_json to lms_definer;

create function lms_private.identity_json(tenant uuid, account uuid) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.check_tenant_location(tenant);
  return (
    select json_build_object(
      'user', lms_private.user_json(u),
      'tenant', json_build_object(
        'id', t.id,
        'slug', t.slug,
        'name', t.name,
        'region', t.region,
        'language', t.settings ->> 'language'
      )
    )
    from lms.users as u
    join lms.tenants as t
      on t.tenant_id = u.tenant_id
    where u.tenant_id = tenant
      and u.id = account
      and u.status = 'active'
      and u.deleted_at is null
      and t.status = 'active'
      and t.deleted_at is null
  );
end
$$;

comment on function lms_private.identity_json is 'The user and the tenant; null unless both are active.';

alter function lms_private.identity_json owner to lms_definer;

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

create function lms.refresh_session(
  refresh_hash bytea, new_hash bytea, user_agent text, address text
) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  presented record;
  session record;
  identity json;
begin
  select r.tenant_id, r.id, r.session_id
  into presented
  from lms.refresh_tokens as r
  where r.token_hash = refresh_hash;
  if not found then
    return null;
  end if;
  perform lms_private.check_tenant_location(presented.tenant_id);
  perform set_config('app.tenant_id', presented.tenant_id::text, true);

  update lms.refresh_tokens as r
  set used_at = now()
  where r.tenant_id = presented.tenant_id
    and r.id = presented.id
    and r.used_at is null;
  if not found then
    update lms.sessions as s
    set revoked_at = now()
    where s.tenant_id = presented.tenant_id
      and s.id = presented.session_id
      and s.revoked_at is null;
    return null;
  end if;

  select s.user_id, s.expires_at
  into session
  from lms.sessions as s
  where s.tenant_id = presented.tenant_id
    and s.id = presented.session_id
    and s.revoked_at is null
    and s.expires_at > now();
  if not found then
    return null;
  end if;
  identity := lms_private.identity_json(presented.tenant_id, session.user_id);
  if identity is null then
    return null;
  end if;

  perform set_config('app.user_id', session.user_id::text, true);
  update lms.sessions as s
  set
    last_used_at = now(),
    user_agent = coalesce(left(refresh_session.user_agent, 500), s.user_agent),
    address = coalesce(left(refresh_session.address, 64), s.address)
  where s.tenant_id = presented.tenant_id
    and s.id = presented.session_id;
  insert into lms.refresh_tokens (tenant_id, session_id, token_hash)
  values (presented.tenant_id, presented.session_id, new_hash);
  return (
    json_build_object(
      'user', identity -> 'user',
      'tenant', identity -> 'tenant',
      'session', json_build_object('id', presented.session_id, 'expires_at', lms.utc(session.expires_at))
    )
  );
end
$$;

comment on function lms.refresh_session is
  'Exchanges a refresh token. Returns what complete_sign_in returns and "session": {"id", "expires_at"}; null when it is refused. A token that was used before revokes its session.';

alter function lms.refresh_session owner to lms_definer;
grant execute on function lms.refresh_session to lms_application;

create function lms.me() returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return lms_private.identity_json(
    current_setting('app.tenant_id')::uuid,
    current_setting('app.user_id')::uuid
  );
end
$$;

comment on function lms.me is 'The caller, in the form of complete_sign_in.';

alter function lms.me owner to lms_definer;
grant execute on function lms.me to lms_application;

create function lms.begin_sign_in(
  tenant_slug text, email text, address text, user_agent text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  nil_id constant uuid := '00000000-0000-0000-0000-000000000000';
  from_address constant text := left(begin_sign_in.address, 64);
  program constant text := left(begin_sign_in.user_agent, 500);
  is_known boolean;
begin
  perform lms_private.check_tenant_location(null, lower(begin_sign_in.tenant_slug));

  select s.tenant_id
  into begin_sign_in.tenant_id
  from lms_private.tenant_slugs as s
  where s.slug = lower(begin_sign_in.tenant_slug);

  select
    u.id,
    u.password_hash,
    u.role,
    case when u.status = 'active' and t.status = 'active' and t.deleted_at is null then 'active' else 'inactive' end,
    t.region
  into
    begin_sign_in.user_id,
    begin_sign_in.password_hash,
    begin_sign_in.role,
    begin_sign_in.status,
    begin_sign_in.region
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = begin_sign_in.tenant_id
    and u.id = lms_private.find_account(begin_sign_in.tenant_id, begin_sign_in.email);

  -- Accounts that do not exist take the same steps, so that the timing reveals nothing.
  is_known := exists (
    select
    from lms.sessions as s
    where s.tenant_id = coalesce(begin_sign_in.tenant_id, nil_id)
      and s.user_id = coalesce(begin_sign_in.user_id, nil_id)
      and s.address = from_address
      and s.user_agent is not distinct from program
  );

  attempt_id := lms_private.begin_attempt(
    begin_sign_in.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(begin_sign_in.email, '')),
    case when is_known then lms_private.sha256_of_lines('device', from_address, program) end,
    lms_private.sha256_of_lines(
      'sign_in',
      case when begin_sign_in.tenant_id is not null then lower(tenant_slug) end,
      lms_private.network_key(from_address)
    ),
    from_address
  );
  return next;
end
$$;

comment on function lms.begin_sign_in is
  'First step of sign-in. Always returns one row, null but for attempt_id when the account does not exist. complete_sign_in or record_failed_attempt ends the attempt. LM429 with the seconds to wait.';

alter function lms.begin_sign_in owner to lms_definer;
grant execute on function lms.begin_sign_in to lms_application;
