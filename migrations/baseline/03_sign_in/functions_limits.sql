-- Limits on attempts that the innocent survive. Failures are counted where they say something about whoever makes them: of an
-- account, apart for each device that has signed in to it before, so that nobody is kept out of their own account by strangers;
-- and of an address, in each tenant by itself, so that no tenant is held up by what happens in another. Attempts under way are
-- no failures, and one whose password was not looked at, because too many were being hashed, counts for nothing. Guesses at
-- tenants that do not exist are counted as those at one tenant: of a slug that was made up for each there is never a hundredth.

create function lms_private.account_key(tenant_slug text, email text) returns bytea
language sql
immutable
strict
parallel safe
return sha256(convert_to(lower(tenant_slug) || chr(10) || lms_private.email_key(email), 'UTF8'));

comment on function lms_private.account_key is 'The key under which attempts on one account are counted, whether it exists or not.';

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
  'The password was right: what failed before on the same device, or by strangers at the same address, no longer counts. What strangers elsewhere have tried does.';

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

comment on function lms_private.network_key is 'The key under which attempts from an address are counted: IPv6 is handed out in networks of 64 bits.';

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

comment on function lms_private.check_rate_limit is 'LM429 with the seconds to wait, unless the time has come or is null.';

grant execute on function lms_private.check_rate_limit to lms_definer;

create function lms_private.origin_blocked_until(origin bytea) returns timestamptz
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  -- The hundredth last failure of strangers within 15 minutes says when there is room again.
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

comment on function lms_private.origin_blocked_until is 'When an origin with 100 failures in 15 minutes may try again; null when it may now.';

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
  perform lms_private.check_rate_limit(
    greatest(
      fifth_at + span,
      case
        when failures >= free_tries then last_at + least(span, interval '1 minute' * 2 ^ least(failures - free_tries, 4))
      end,
      case when device is null then lms_private.origin_blocked_until(origin) end
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

comment on function lms.record_failed_attempt is 'The other end of an attempt: the password was wrong, or there is no such account.';

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

comment on function lms.discard_attempt is 'Takes an attempt back whose password was not looked at.';

alter function lms.discard_attempt owner to lms_definer;
grant execute on function lms.discard_attempt to lms_application;
