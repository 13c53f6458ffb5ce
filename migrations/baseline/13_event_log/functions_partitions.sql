-- The monthly partitions of the event log.

create function lms_private.make_event_partition(name text, month date) returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The table is created separately and then attached, which blocks nobody; creating it as a
  -- partition would block every writer.
  execute format('create table lms_private.%I (like lms.event_log including defaults including constraints)', name);
  execute format('alter table lms_private.%I enable row level security', name);
  execute format('alter table lms_private.%I force row level security', name);
  execute format(
    'create trigger append_only_truncate before truncate on lms_private.%I
    for each statement execute function lms_private.forbid_change()',
    name
  );
  execute format('alter table lms_private.%I enable always trigger append_only_truncate', name);
  execute format(
    'alter table lms.event_log attach partition lms_private.%I for values from (%L) to (%L)',
    name, month::timestamptz, (month + interval '1 month')::timestamptz
  );
  return 1;
exception
  -- If the default partition already contains events of the month, they stay there: events are
  -- never moved.
  when check_violation then
    return 0;
end
$$;

comment on function lms_private.make_event_partition is
  'Creates the partition of a month and returns 1, or 0 when the default partition already contains events of it.';

create function lms.make_event_partitions(until date) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
  month date := date_trunc('month', now())::date;
  name text;
  made integer := 0;
begin
  while month <= until loop
    name := 'event_log_' || to_char(month, 'YYYY_MM');
    if to_regclass('lms_private.' || name) is null then
      made := made + lms_private.make_event_partition(name, month);
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end
$$;

comment on function lms.make_event_partitions is
  'Creates the partitions of the event log from this month to the month of a date and returns their number. For lms_migrator.';

grant execute on function lms.make_event_partitions to lms_migrator;
