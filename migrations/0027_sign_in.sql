-- Sign-in: the functions that look past row security, because there is no caller yet. Security definer, owned by
-- lms_definer. A refusal that has to leave a trace returns null: raising would roll the trace back.
set local role lms_owner;

create function lms_private.user_json(person lms.users) returns json
language sql
stable
return json_build_object(
  'id', person.id,
  'centre_id', person.centre_id,
  'name', person.name,
  'email', person.email,
  'phone', person.phone,
  'role', person.role,
  'language_preferences', person.language_preferences,
  'accessibility_settings', person.accessibility_settings,
  'status', person.status,
  'created_at', lms.utc(person.created_at),
  'updated_at', lms.utc(person.updated_at),
  'created_by', person.created_by,
  'updated_by', person.updated_by
);

comment on function lms_private.user_json is 'A user as the interface shows it: never with the password''s hash.';

create function lms_private.identity_json(tenant uuid, person uuid) returns json
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'user', lms_private.user_json(u),
    'tenant', json_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'region', t.region)
  )
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = tenant
    and u.id = person
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null
$$;

comment on function lms_private.identity_json is 'User and tenant; null unless both are active.';

create function lms_private.account_key(tenant_slug text, email text) returns bytea
language sql
immutable
strict
parallel safe
return sha256(convert_to(lower(tenant_slug) || chr(10) || lower(email), 'UTF8'));

comment on function lms_private.account_key is 'What attempts on one account are counted under, whether it exists or not.';

create function lms_private.count_attempt(
  tenant uuid, account bytea, address text
) returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  span constant interval := interval '15 minutes';
  from_address constant text := left(coalesce(address, ''), 64);
  free_at timestamptz;
  attempt uuid;
begin
  -- One at a time for each account: attempts that run side by side see each other.
  perform pg_advisory_xact_lock(('x' || left(encode(account, 'hex'), 16))::bit(64)::bigint);

  -- The fifth last attempt, or the fiftieth last from this address, says when there is room again.
  select max(limiting.created_at) + span
  into free_at
  from (
    (
      select f.created_at
      from lms.sign_in_failures as f
      where f.account = count_attempt.account
        and f.created_at > clock_timestamp() - span
      order by f.created_at desc
      offset 4
      limit 1
    )
    union all
    (
      select f.created_at
      from lms.sign_in_failures as f
      where f.address = from_address
        and f.created_at > clock_timestamp() - span
      order by f.created_at desc
      offset 49
      limit 1
    )
  ) as limiting;
  if free_at is not null then
    raise exception using
      errcode = 'LM429',
      message = greatest(1, ceil(extract(epoch from free_at - clock_timestamp())))::text;
  end if;

  insert into lms.sign_in_failures (tenant_id, account, address)
  values (coalesce(tenant, '00000000-0000-0000-0000-000000000000'), account, from_address)
  returning id into attempt;
  return attempt;
end
$$;

comment on function lms_private.count_attempt is
  'Writes an attempt down before its password is checked. LM429 after 5 of an account or 50 of an address within 15 minutes.';

create function lms_private.forgive_attempts(attempt uuid) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from lms.sign_in_failures as f
  using lms.sign_in_failures as right_one
  where right_one.id = attempt
    and f.account = right_one.account
$$;

comment on function lms_private.forgive_attempts is 'The password was right: the account''s attempts no longer count.';

create index idx_sign_in_failures_id
on lms.sign_in_failures (id);

create function lms.sign_in_begin(
  tenant_slug text, email text, address text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  select s.tenant_id
  into sign_in_begin.tenant_id
  from lms_private.tenant_slugs as s
  where s.slug = lower(sign_in_begin.tenant_slug);

  select
    u.id,
    u.password_hash,
    u.role,
    case when u.status = 'active' and t.status = 'active' and t.deleted_at is null then 'active' else 'inactive' end,
    t.region
  into
    sign_in_begin.user_id,
    sign_in_begin.password_hash,
    sign_in_begin.role,
    sign_in_begin.status,
    sign_in_begin.region
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = sign_in_begin.tenant_id
    and u.email = lower(sign_in_begin.email)
    and u.deleted_at is null;

  attempt_id := lms_private.count_attempt(
    sign_in_begin.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(sign_in_begin.email, '')),
    address
  );
  return next;
end
$$;

comment on function lms.sign_in_begin is
  'First half of sign-in: always one row, all null but attempt_id when there is no such account. The attempt counts as failed until sign_in_end. LM429 with the seconds to wait.';

create function lms.sign_in_end(
  attempt_id uuid,
  tenant_id uuid,
  user_id uuid,
  session_id uuid,
  refresh_hash bytea,
  user_agent text,
  address text,
  lifetime interval default interval '30 days'
) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  identity constant json := lms_private.identity_json(tenant_id, user_id);
begin
  if identity is null then
    return null;
  end if;
  -- From here on the caller is known: to the audit columns, the event and its chain.
  perform
    set_config('app.tenant_id', tenant_id::text, true),
    set_config('app.user_id', user_id::text, true);
  perform lms_private.forgive_attempts(attempt_id);
  insert into lms.sessions (tenant_id, id, user_id, user_agent, address, expires_at)
  values (tenant_id, session_id, user_id, left(user_agent, 500), left(address, 64), now() + lifetime);
  insert into lms.refresh_tokens (tenant_id, session_id, token_hash)
  values (tenant_id, session_id, refresh_hash);
  return identity;
end
$$;

comment on function lms.sign_in_end is
  'Second half, once the password was right: opens the session. {"user": ..., "tenant": {"id", "slug", "name", "region"}}; null when user or tenant is not active.';

create function lms.session_refresh(
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
    user_agent = coalesce(left(session_refresh.user_agent, 500), s.user_agent),
    address = coalesce(left(session_refresh.address, 64), s.address)
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

comment on function lms.session_refresh is
  'Exchanges a refresh token. As sign_in_end, with "session": {"id", "expires_at"}. Null: refused; a dead token has revoked its session.';

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

comment on function lms.me is 'The caller: as sign_in_end.';

alter function lms_private.identity_json owner to lms_definer;
alter function lms_private.count_attempt owner to lms_definer;
alter function lms_private.forgive_attempts owner to lms_definer;
alter function lms.sign_in_begin owner to lms_definer;
alter function lms.sign_in_end owner to lms_definer;
alter function lms.session_refresh owner to lms_definer;
alter function lms.me owner to lms_definer;

grant execute on function lms_private.user_json, lms_private.account_key to lms_definer;
grant execute on function lms.sign_in_begin, lms.sign_in_end, lms.session_refresh, lms.me to lms_application;
