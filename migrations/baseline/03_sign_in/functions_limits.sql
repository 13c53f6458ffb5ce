-- Rate limits for sign-in that do not lock out legitimate users. Failures are counted for each
-- account, separately for each device that has signed in to it before, so that strangers cannot
-- lock users out of their own accounts; and for each network within a tenant, so that tenants do
-- not affect each other. Attempts in progress are not failures, and an attempt whose password was
-- not checked, because too many were being hashed, is not counted. Guesses at tenants that do not
-- exist are counted as if for one tenant, because a limit for each invented slug would never be
-- reached.

create function lms_private.account_key(tenant_slug text, email text) returns bytea
language sql
immutable
strict
parallel safe
return sha256(convert_to(lower(tenant_slug) || chr(10) || lms_private.email_key(email), 'UTF8'));

comment on function lms_private.account_key is
  'The key under which attempts on an account are counted, whether the account exists or not.';

grant execute on function lms_private.account_key to lms_definer;

create function lms_private.clear_failed_attempts(attempt uuid) returns void
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

comment on function lms_private.clear_failed_attempts is
  'After a correct password: removes the failures of the same device, or of unknown devices at the same address. Failures of unknown devices elsewhere remain.';

alter function lms_private.clear_failed_attempts owner to lms_definer;

create function lms_private.network_key(address text) returns text
language sql
immutable
parallel safe
return case
  when address ~ '^\[?[0-9A-Fa-f:.]+\]?$' and strpos(address, ':') > 0
    then network(set_masklen(btrim(address, '[]')::inet, 64))::text
  else left(coalesce(address, ''), 64)
end;

comment on function lms_private.network_key is
  'The key under which attempts from an address are counted. IPv6 addresses are counted by network of 64 bits, the size that providers assign.';

grant execute on function lms_private.network_key to lms_definer;

create function lms_private.check_rate_limit(free_at timestamptz) returns void
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

comment on function lms_private.check_rate_limit is 'LM429 with the seconds to wait when the time is in the future.';

grant execute on function lms_private.check_rate_limit to lms_definer;

create function lms_private.origin_blocked_until(origin bytea) returns timestamptz
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  -- The hundredth-last failure of unknown devices within 15 minutes determines when another attempt
  -- is allowed.
  select f.created_at + interval '15 minutes'
  from lms.sign_in_failures as f
  where f.origin = origin_blocked_until.origin
    and f.device is null
    and f.created_at > clock_timestamp() - interval '15 minutes'
    and (f.failed or f.created_at < clock_timestamp() - interval '10 seconds')
  order by f.created_at desc
  offset 99
  limit 1
$$;

comment on function lms_private.origin_blocked_until is
  'The time until which an origin with 100 failures in 15 minutes is blocked; null when it is not.';

alter function lms_private.origin_blocked_until owner to lms_definer;

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
  -- Attempts on one account are serialized, so that concurrent ones see each other.
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

  -- At most five failures in 15 minutes, and from the fifth of a day on a delay that doubles with
  -- each failure.
  perform lms_private.check_rate_limit(
    greatest(
      fifth_at + span,
      case
        when failures >= free_tries then last_at + least(span, interval '1 minute' * 2 ^ least(failures - free_tries, 4))
      end,
      case when device is null then lms_private.origin_blocked_until(origin) end
    )
  );
  -- An attempt in progress may turn out to be a failure, so there are never more of them than
  -- failures left. It ends within a moment.
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
  'Records an attempt before its password is checked. LM429 after 5 failures of an account from one device, or from all unknown devices, in 15 minutes, with a growing delay from the fifth of a day; and for unknown devices after 100 failures of their origin.';

alter function lms_private.begin_attempt owner to lms_definer;

create function lms.record_failed_attempt(attempt_id uuid) returns boolean
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

comment on function lms.record_failed_attempt is
  'Records that an attempt failed: the password was wrong or the account does not exist.';

alter function lms.record_failed_attempt owner to lms_definer;
grant execute on function lms.record_failed_attempt to lms_application;

create function lms.discard_attempt(attempt_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  delete from lms.sign_in_failures as f
  where f.id = attempt_id
    and not f.failed;
  return found;
end
$$;

comment on function lms.discard_attempt is 'Removes an attempt whose password was not checked.';

alter function lms.discard_attempt owner to lms_definer;
grant execute on function lms.discard_attempt to lms_application;
