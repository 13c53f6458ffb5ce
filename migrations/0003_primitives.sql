-- Small functions that any statement may use: ids, times, refusals. They touch no table.
set local role lms_owner;

create function lms.utc(moment timestamptz) returns text
language sql
stable
strict
parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

comment on function lms.utc is 'RFC 3339 in UTC with Z and microseconds, whatever the session''s time zone.';

create function lms.new_id() returns uuid
language sql
volatile
parallel safe
return encode(
  set_bit(
    set_bit(
      overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6
      ),
      52, 1
    ),
    53, 1
  ),
  'hex'
)::uuid;

comment on function lms.new_id is
  'UUID version 7: 48 bits of milliseconds, then random. Bits 52 and 53 turn the version from 4 to 7.';

create function lms.refuse(sqlstate text, message text, "column" text default null) returns boolean
language plpgsql
volatile
parallel unsafe
as $$
#variable_conflict use_variable
begin
  raise exception using
    errcode = refuse.sqlstate,
    message = coalesce(refuse.message, ''),
    column = coalesce(refuse."column", '');
end
$$;

comment on function lms.refuse is
  'Ends the statement with one of our SQLSTATEs (migrations/README.md lists them). Never returns; boolean, so that it fits into a condition.';

create function lms.check_version(actual bigint, expected bigint) returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  if expected is not null and actual is distinct from expected then
    raise exception using errcode = 'LM412', message = 'The resource has changed since it was read.';
  end if;
  return true;
end
$$;

comment on function lms.check_version is
  'True, or LM412 when the row is not at the expected version. No expected version means that the caller did not ask.';

create function lms.dry_run(body text) returns text
language plpgsql
volatile
parallel unsafe
as $$
begin
  raise exception using errcode = 'LM200', message = 'Dry run: nothing was written.', detail = body;
end
$$;

comment on function lms.dry_run is 'Rolls everything back; the response body travels in DETAIL.';

create function lms_private.is_time_zone(name text) returns boolean
language plpgsql
immutable
strict
parallel safe
as $$
begin
  if name !~ '^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$' then
    return false;
  end if;
  perform timestamptz 'epoch' at time zone name;
  return true;
exception
  when invalid_parameter_value then
    return false;
end
$$;

comment on function lms_private.is_time_zone is
  'Whether this is an IANA time zone that the server knows. Declared immutable for use in checks: zones are added, not taken away.';

grant execute on function lms.utc, lms.new_id, lms.refuse, lms.check_version, lms.dry_run to public;
grant execute on function lms_private.is_time_zone to lms_application, lms_definer;
