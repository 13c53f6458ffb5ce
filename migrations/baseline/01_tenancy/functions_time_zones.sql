-- The database is the only source of time zones: components ask it when clocks change and contain
-- no rules of their own. Debian's PostgreSQL reads the zones of the system, so an upgrade of the
-- package tzdata and a restart of PostgreSQL update them everywhere. A default date is the current
-- date in the centre's time zone, which may differ between two centres of a tenant and from UTC.

create function lms_private.instant(local timestamp, time_zone text) returns timestamptz
language sql
stable
strict
parallel safe
return (
  select
    case
      when (t.later - interval '1 hour') at time zone instant.time_zone = instant.local then t.later - interval '1 hour'
      when (t.later - interval '30 minutes') at time zone instant.time_zone = instant.local
        then t.later - interval '30 minutes'
      else t.later
    end
  from (select instant.local at time zone instant.time_zone as later) as t
);

comment on function lms_private.instant is
  'Converts a local time in a zone to an instant as RFC 5545 (3.3.5) requires: an ambiguous time is the first of the two, a skipped time uses the offset before the change. AT TIME ZONE alone would return the second of two.';

alter function lms_private.instant owner to lms_definer;
grant execute on function lms_private.instant to lms_application;

-- Volatile and parallel unsafe because of set_config, whose effect ends with the function: its own
-- SET restores the setting.
create function lms_private.time_zone(name text) returns json
language plpgsql
volatile
parallel unsafe
set search_path = pg_catalog, pg_temp
set timezone to 'UTC'
as $$
declare
  -- Seconds since 1970. Outside this range the first and the last offset apply.
  first constant bigint := 0;
  last constant bigint := 4102444800;
  -- Since 1970 no zone has changed its offset and changed it back within a week.
  step constant bigint := 604800;
  one record;
  low bigint;
  high bigint;
  middle bigint;
  changes jsonb := '[]';
begin
  -- PostgreSQL also accepts names in another case and POSIX specifications. These are displayed
  -- under another name or contain no lower-case letter.
  if name !~ '^([A-Za-z]+(/[A-Za-z0-9_+-]+)+|[A-Z][A-Za-z-]+|(EST5EDT|CST6CDT|MST7MDT|PST8PDT))$'
    or (name ~ '/' and name !~ '[a-z]')
    or name ~ '^(posix|right)/'
    or name in ('Factory', 'localtime', 'posixrules')
    or length(name) > 64
  then
    return null;
  end if;
  begin
    perform set_config('TimeZone', name, true);
  exception
    when invalid_parameter_value then
      return null;
  end;
  if current_setting('TimeZone') <> name then
    return null;
  end if;
  for one in
    select s.at, s.before, s.after
    from (
      select
        g.at,
        to_timestamp(g.at)::timestamp - to_timestamp(g.at) at time zone 'UTC' as before,
        to_timestamp(g.at + step)::timestamp - to_timestamp(g.at + step) at time zone 'UTC' as after
      from generate_series(first, last, step) as g (at)
    ) as s
    where s.before <> s.after
    order by s.at
  loop
    low := one.at;
    high := one.at + step;
    while high - low > 1 loop
      middle := (low + high) / 2;
      if to_timestamp(middle)::timestamp - to_timestamp(middle) at time zone 'UTC' = one.before then
        low := middle;
      else
        high := middle;
      end if;
    end loop;
    changes := changes || jsonb_build_array(
      jsonb_build_array(high, extract(epoch from one.after)::integer, to_char(to_timestamp(high), 'TZ'))
    );
  end loop;
  return json_build_object(
    'name', name,
    'offset', extract(epoch from to_timestamp(first)::timestamp - to_timestamp(first) at time zone 'UTC')::integer,
    'abbreviation', to_char(to_timestamp(first), 'TZ'),
    'changes', changes
  );
end
$$;

comment on function lms_private.time_zone is
  'A time zone as this server knows it, from 1970 to 2100: its first offset from UTC in seconds with its abbreviation, and each change as [seconds since 1970, offset, abbreviation]. Null when the name is not that of a zone.';

grant execute on function lms_private.time_zone to lms_application;

create function lms.time_zones(names jsonb) returns json
language sql
volatile
parallel unsafe
begin atomic
  select coalesce(json_agg(z.zone), '[]'::json)
  from (
    select lms_private.time_zone(one.name) as zone
    from jsonb_array_elements_text(names) as one (name)
  ) as z
  where z.zone is not null;
end;

comment on function lms.time_zones is 'The named time zones that this server knows, in the form of lms_private.time_zone.';

grant execute on function lms.time_zones to lms_application;

create function lms.today_in(time_zone text) returns date
language sql
stable
strict
parallel safe
return (now() at time zone time_zone)::date;

comment on function lms.today_in is 'The date of the transaction in a time zone. Every default date comes from here.';

grant execute on function lms.today_in to lms_application, lms_definer;
