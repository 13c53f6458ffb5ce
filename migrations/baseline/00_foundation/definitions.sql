-- Small functions on which tables are built and which any statement may use: ids, times, errors.
-- They read no table.

create function lms.utc(moment timestamptz) returns text
language sql
stable
strict
parallel safe
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

comment on function lms.utc is 'Formats a time as RFC 3339 in UTC with Z and microseconds, whatever time zone the session has.';

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
  'Returns a UUID version 7: 48 bits of milliseconds, then random bits. Setting bits 52 and 53 turns the version from 4 into 7.';

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
  'Raises an error with one of the SQLSTATEs of docs/reference/database-errors.md. It never returns; its type is boolean so that it can be used in a condition.';

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
  'True, or LM412 when the row is not at the expected version. A null version is not checked, because the caller sent none.';

grant execute on function lms.check_version to public;

create function lms_private.is_current_tenant(tenant uuid) returns boolean
language sql
stable
parallel safe
return coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant) = tenant;

comment on function lms_private.is_current_tenant is
  'True when this is the tenant of the context. True for every tenant when there is no context, which never happens to the application: its default context is that of no tenant.';

grant execute on function lms_private.is_current_tenant to lms_application, lms_definer;

create function lms_private.sha256_of_lines(variadic parts text[]) returns bytea
language sql
immutable
parallel safe
return sha256(convert_to(array_to_string(parts, chr(10), ''), 'UTF8'));

comment on function lms_private.sha256_of_lines is 'SHA-256 of the texts, each on a line of its own.';

grant execute on function lms_private.sha256_of_lines to lms_definer;
