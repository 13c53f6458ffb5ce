-- Small functions that any statement may use, and on which tables are built: ids, times, refusals. They touch no table.

create function lms.utc(moment timestamptz) returns text
language sql
stable
strict
parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

comment on function lms.utc is 'RFC 3339 in UTC with Z and microseconds, whatever the session''s time zone.';

grant execute on function lms.utc to public;

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

grant execute on function lms.new_id to public;

create function lms.raise_error(sqlstate text, message text, "column" text default null) returns boolean
language plpgsql
volatile
parallel unsafe
as $$
#variable_conflict use_variable
begin
  raise exception using
    errcode = raise_error.sqlstate,
    message = coalesce(raise_error.message, ''),
    column = coalesce(raise_error."column", '');
end
$$;

comment on function lms.raise_error is
  'Ends the statement with one of our SQLSTATEs (migrations/README.md lists them). Never returns; boolean, so that it fits into a condition.';

grant execute on function lms.raise_error to public;

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

grant execute on function lms.check_version to public;

create function lms_private.is_current_tenant(tenant uuid) returns boolean
language sql
stable
parallel safe
return coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant) = tenant;

comment on function lms_private.is_current_tenant is
  'True when this is the context''s tenant. True for all where there is no context: the application always has one, of no tenant by default.';

grant execute on function lms_private.is_current_tenant to lms_application, lms_definer;

create function lms_private.sha256_of_lines(variadic parts text[]) returns bytea
language sql
immutable
parallel safe
return sha256(convert_to(array_to_string(parts, chr(10), ''), 'UTF8'));

comment on function lms_private.sha256_of_lines is 'SHA-256 of texts, each on a line of its own.';

grant execute on function lms_private.sha256_of_lines to lms_definer;
