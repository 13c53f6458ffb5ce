-- Lessons to come that were planned by rules which clocks have no longer: the worker tells of their classes, whose schedules are then saved again.
set local role lms_owner;

create function lms_private.lessons_off_the_clock(now timestamptz) returns table (class_id uuid, lessons bigint, first_at timestamptz)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select o.class_id, count(*), min(o.original_start)
  from lms.occurrences as o
  join lms.classes as c
    on c.tenant_id = o.tenant_id
    and c.id = o.class_id
  cross join lateral (
    select c.schedule ->> 'time_zone' as time_zone, ((c.schedule ->> 'start')::timestamp)::time as begins
  ) as s
  where o.starts_at > now
    and o.original_start > now
    and o.status = 'scheduled'
    and o.deleted_at is null
    and c.status = 'scheduled'
    and c.deleted_at is null
    -- Where clocks skip the hour of a lesson they show another one, and it is right where it is.
    and (o.original_start at time zone s.time_zone)::time <> s.begins
    and lms_private.instant((o.original_start at time zone s.time_zone)::date + s.begins, s.time_zone) <> o.original_start
  group by o.class_id
  order by min(o.original_start), o.class_id;
$$;

comment on function lms_private.lessons_off_the_clock is
  'Classes of the context''s tenant with lessons to come that do not begin when the clock of their zone shows the time of their schedule, how many these are, and the first of them.';
