-- Limits on attempts that the innocent survive. Failures are counted where they say something about whoever makes them: of an account, apart
-- for each device that has signed in to it before, so that nobody is kept out of their own account by strangers; and of an address, in
-- each tenant by itself, so that no tenant is held up by what happens in another. Attempts under way are no failures.
set local role lms_owner;

alter table lms.sign_in_failures
add column failed boolean not null default false,
add column device bytea
  constraint sign_in_failures_device_check check (octet_length(device) = 32),
add column origin bytea
  constraint sign_in_failures_origin_check check (octet_length(origin) = 32);

create index idx_sign_in_failures_origin
on lms.sign_in_failures (origin, created_at)
where origin is not null;

-- The address alone limits nobody any more.
drop index lms.idx_sign_in_failures_address;

comment on table lms.sign_in_failures is
  'One row for each attempt, written before the password is checked and taken away when it was right. One without an outcome counts as failed after ten seconds, so that hanging up in time gains nothing.';
comment on column lms.sign_in_failures.failed is 'Whether it is known to have failed.';
comment on column lms.sign_in_failures.device is
  'SHA-256 of address and user agent where the account had a session with both before, or of another ground to count the attempt apart; null for strangers.';
comment on column lms.sign_in_failures.origin is
  'SHA-256 of what was tried, the tenant''s slug and the network that the attempt came from; null where the network is not limited.';

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values
  ('sign_in_failures', 'device', 'secret', null),
  ('sign_in_failures', 'origin', 'secret', null);

call lms_private.let_erase();

create function lms_private.digest_of(variadic parts text[]) returns bytea
language sql
immutable
parallel safe
return sha256(convert_to(array_to_string(parts, chr(10), ''), 'UTF8'));

comment on function lms_private.digest_of is 'SHA-256 of texts, each on a line of its own.';

create function lms_private.network_of(address text) returns text
language sql
immutable
parallel safe
return case
  when address ~ '^\[?[0-9A-Fa-f:.]+\]?$' and strpos(address, ':') > 0
    then network(set_masklen(btrim(address, '[]')::inet, 64))::text
  else left(coalesce(address, ''), 64)
end;

comment on function lms_private.network_of is 'What attempts from an address are counted under: IPv6 is handed out in networks of 64 bits.';

create function lms_private.wait_until(free_at timestamptz) returns void
language plpgsql
volatile
as $$
begin
  if free_at > clock_timestamp() then
    raise exception using
      errcode = 'LM429',
      message = greatest(1, ceil(extract(epoch from free_at - clock_timestamp())))::text;
  end if;
end
$$;

comment on function lms_private.wait_until is 'LM429 with the seconds to wait, unless the time has come or is null.';

create function lms_private.origin_free_at(origin bytea) returns timestamptz
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  -- The hundredth last failure of strangers within 15 minutes says when there is room again.
  select f.created_at + interval '15 minutes'
  from lms.sign_in_failures as f
  where f.origin = origin_free_at.origin
    and f.device is null
    and f.created_at > clock_timestamp() - interval '15 minutes'
    and (f.failed or f.created_at < clock_timestamp() - interval '10 seconds')
  order by f.created_at desc
  offset 99
  limit 1
$$;

comment on function lms_private.origin_free_at is 'When an origin with 100 failures in 15 minutes may try again; null when it may now.';

create function lms_private.begin_attempt(
  tenant uuid, account bytea, device bytea, origin bytea, address text
) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := '15 minutes';
  free_tries constant integer := 5;
  at timestamptz;
  failures integer;
  under_way integer;
  fifth_at timestamptz;
  last_at timestamptz;
  attempt uuid;
begin
  -- One at a time for each account: attempts that run side by side see each other.
  perform pg_advisory_xact_lock(('x' || left(encode(account, 'hex'), 16))::bit(64)::bigint);
  at := clock_timestamp();

  select
    count(*) filter (where counted.has_failed),
    count(*) filter (where not counted.has_failed),
    (array_agg(counted.created_at order by counted.created_at desc) filter (where counted.has_failed))[free_tries],
    max(counted.created_at) filter (where counted.has_failed)
  into failures, under_way, fifth_at, last_at
  from (
    select f.created_at, f.failed or f.created_at < at - interval '10 seconds' as has_failed
    from lms.sign_in_failures as f
    where f.account = account
      and f.device is not distinct from device
      and f.created_at > at - interval '1 day'
  ) as counted;

  -- Five failures in 15 minutes at the most, and from the fifth of a day a delay that doubles with each.
  perform lms_private.wait_until(
    greatest(
      fifth_at + span,
      case
        when failures >= free_tries then last_at + least(span, interval '1 minute' * 2 ^ least(failures - free_tries, 4))
      end,
      case when device is null then lms_private.origin_free_at(origin) end
    )
  );
  -- An attempt under way may turn out to be a guess, so there are never more of them than failures that are left. It is over in a moment.
  if under_way >= greatest(1, free_tries - failures) then
    raise exception using errcode = 'LM429', message = '1';
  end if;

  insert into lms.sign_in_failures (tenant_id, account, device, origin, address)
  values (
    coalesce(tenant, '00000000-0000-0000-0000-000000000000'), account, device, origin, left(coalesce(address, ''), 64)
  )
  returning id into attempt;
  return attempt;
end
$$;

comment on function lms_private.begin_attempt is
  'Writes an attempt down before its password is checked. LM429 after 5 failures of an account on one device, or by all strangers, in 15 minutes, with a growing delay from the fifth of a day, and for strangers after 100 failures of their origin.';

create or replace function lms_private.forgive_attempts(attempt uuid) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from lms.sign_in_failures as f
  using lms.sign_in_failures as right_one
  where right_one.id = attempt
    and f.account = right_one.account
    and f.device is not distinct from right_one.device
    and f.address = right_one.address
$$;

comment on function lms_private.forgive_attempts is
  'The password was right: what failed before on the same device, or by strangers at the same address, no longer counts. What strangers elsewhere have tried does.';

create function lms.attempt_failed(attempt_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  update lms.sign_in_failures as f
  set failed = true
  where f.id = attempt_id;
  return found;
end
$$;

comment on function lms.attempt_failed is 'The other end of an attempt: the password was wrong, or there is no such account.';

create function lms.sign_in_begin(
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
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  from_address constant text := left(sign_in_begin.address, 64);
  program constant text := left(sign_in_begin.user_agent, 500);
  is_known boolean;
begin
  perform lms_private.check_home(null, lower(sign_in_begin.tenant_slug));

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
    and u.id = lms_private.account_of(sign_in_begin.tenant_id, sign_in_begin.email);

  -- Asked of accounts that do not exist as well: it takes the same steps.
  is_known := exists (
    select
    from lms.sessions as s
    where s.tenant_id = coalesce(sign_in_begin.tenant_id, nobody)
      and s.user_id = coalesce(sign_in_begin.user_id, nobody)
      and s.address = from_address
      and s.user_agent is not distinct from program
  );

  attempt_id := lms_private.begin_attempt(
    sign_in_begin.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(sign_in_begin.email, '')),
    case when is_known then lms_private.digest_of('device', from_address, program) end,
    lms_private.digest_of('sign_in', lower(tenant_slug), lms_private.network_of(from_address)),
    from_address
  );
  return next;
end
$$;

comment on function lms.sign_in_begin(text, text, text, text) is
  'First half of sign-in: always one row, all null but attempt_id when there is no such account. sign_in_end or attempt_failed says how the attempt ended. LM429 with the seconds to wait.';

-- As the components of the release before call it.
create or replace function lms.sign_in_begin(
  tenant_slug text, email text, address text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select b.attempt_id, b.tenant_id, b.user_id, b.password_hash, b.role, b.status, b.region
  from lms.sign_in_begin(sign_in_begin.tenant_slug, sign_in_begin.email, sign_in_begin.address, null) as b
$$;

create or replace function lms.sign_in_end(
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
    perform lms.attempt_failed(attempt_id);
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

create or replace function lms.password_begin(address text) returns table (attempt_id uuid, password_hash text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  account bytea;
begin
  select u.password_hash, lms_private.account_key(t.slug, u.email)
  into password_begin.password_hash, account
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = current_setting('app.tenant_id')::uuid
    and u.id = current_setting('app.user_id')::uuid
    and u.deleted_at is null;
  if not found then
    return;
  end if;
  -- Apart from attempts to sign in: strangers keep nobody who is signed in from changing the password.
  attempt_id := lms_private.begin_attempt(
    current_setting('app.tenant_id')::uuid, account, lms_private.digest_of('password'), null, address
  );
  return next;
end
$$;

comment on function lms.password_begin is
  'The caller''s password hash, to check the current password against. password_end or attempt_failed says how the attempt ended; LM429.';

drop function lms_private.count_attempt(uuid, bytea, text);

alter function lms_private.origin_free_at owner to lms_definer;
alter function lms_private.begin_attempt owner to lms_definer;
alter function lms.attempt_failed owner to lms_definer;
alter function lms.sign_in_begin(text, text, text, text) owner to lms_definer;

grant execute on function lms_private.digest_of, lms_private.network_of, lms_private.wait_until to lms_definer;
grant execute on function lms.attempt_failed, lms.sign_in_begin(text, text, text, text) to lms_application;
