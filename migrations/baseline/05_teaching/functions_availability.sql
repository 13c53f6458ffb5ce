-- Availability of tutors: their windows and exceptions in the time zone of the centre, less the
-- lessons that they give.

create function lms.free_times(tutors uuid[], since timestamptz, until timestamptz)
returns table (tutor_id uuid, free tstzmultirange)
language plpgsql
stable
security definer
rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
begin
  return query
    with asked as (
      select t.id, t.availability, c.time_zone
      from lms.tutors as t
      join lms.centres as c
        on c.tenant_id = t.tenant_id
        and c.id = t.centre_id
        -- A tutor of a closed centre is never free.
        and c.left_at is null
      where t.tenant_id = tenant
        and t.id = any (tutors)
        and t.deleted_at is null
    ),
    -- There are few zones and days but many windows, so midnight is looked up once for each day,
    -- and hours are added to it when the day has twenty-four.
    midnights as materialized (
      select
        z.time_zone,
        d.day::date as day,
        (array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])[extract(isodow from d.day)]
          as weekday,
        lms_private.instant(d.day, z.time_zone) as midnight,
        lms_private.instant(d.day + interval '1 day', z.time_zone) - lms_private.instant(d.day, z.time_zone)
          = interval '24 hours' as is_plain
      from (select distinct a.time_zone from asked as a) as z
      cross join lateral generate_series(
        -- A window within skipped hours may end on the following day.
        (since at time zone z.time_zone)::date - interval '1 day',
        (until at time zone z.time_zone)::date,
        interval '1 day'
      ) as d (day)
    ),
    weekly as materialized (
      select a.id, a.time_zone, w.weekday, w.start, w."end"
      from asked as a
      cross join lateral jsonb_to_recordset(coalesce(a.availability -> 'weekly', '[]'))
        as w (weekday text, start interval, "end" interval)
    ),
    windows as (
      select w.id, true as available, m.time_zone, m.day, m.midnight, m.is_plain, w.start, w."end"
      from weekly as w
      join midnights as m
        on m.time_zone = w.time_zone
        and m.weekday = w.weekday
      union all
      select
        a.id,
        e.available,
        m.time_zone,
        m.day,
        m.midnight,
        m.is_plain,
        coalesce(e.start, interval '0 hours'),
        coalesce(e."end", interval '24 hours')
      from asked as a
      cross join lateral jsonb_to_recordset(coalesce(a.availability -> 'exceptions', '[]'))
        as e (date date, available boolean, start interval, "end" interval)
      join midnights as m
        on m.time_zone = a.time_zone
        and m.day = e.date
    ),
    spans as materialized (
      select
        w.id,
        w.available,
        case
          when w.is_plain then w.midnight + w.start
          else lms_private.instant(w.day + w.start, w.time_zone)
        end as starts_at,
        case
          when w.is_plain then w.midnight + w."end"
          else lms_private.instant(w.day + w."end", w.time_zone)
        end as ends_at
      from windows as w
    ),
    planned as (
      select
        s.id,
        range_agg(tstzrange(s.starts_at, s.ends_at)) filter (where s.available) as available,
        range_agg(tstzrange(s.starts_at, s.ends_at)) filter (where not s.available) as unavailable
      from spans as s
      -- A window across skipped hours may end before it begins.
      where s.starts_at < s.ends_at
      group by s.id
    ),
    busy as (
      select o.tutor_id, range_agg(tstzrange(o.starts_at, o.ends_at)) as spans
      from lms.occurrences as o
      where o.tenant_id = tenant
        and o.tutor_id = any (tutors)
        -- No lesson is longer than that.
        and o.starts_at > since - interval '25 hours'
        and o.ends_at > since
        and o.starts_at < until
        and o.status <> 'cancelled'
        and o.deleted_at is null
      group by o.tutor_id
    )
    select
      p.id,
      p.available * tstzmultirange(tstzrange(since, until))
        - coalesce(p.unavailable, '{}')
        - coalesce(b.spans, '{}')
    from planned as p
    left join busy as b
      on b.tutor_id = p.id
    where p.available is not null;
end
$$;

comment on function lms.free_times is
  'When tutors of the tenant are available and have no lesson. It bypasses row security, because lessons that the caller does not see take time as well; callers pass tutors that they see.';

alter function lms.free_times owner to lms_definer;
grant execute on function lms.free_times to lms_application;

create function lms_private.available_on(tutor uuid, days date[])
returns table (available tstzmultirange, unavailable tstzmultirange, is_declared boolean)
language plpgsql
stable
parallel safe
security definer
rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
  return query
    with asked as (
      select t.availability, c.time_zone
      from lms.tutors as t
      join lms.centres as c
        on c.tenant_id = t.tenant_id
        and c.id = t.centre_id
      where t.tenant_id = tenant
        and t.id = tutor
    ),
    windows as (
      select true as available, d.day, w.start, w."end", a.time_zone
      from asked as a
      cross join lateral jsonb_to_recordset(coalesce(a.availability -> 'weekly', '[]'))
        as w (weekday text, start interval, "end" interval)
      join unnest(days) as d (day)
        on w.weekday = (
          array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
        )[extract(isodow from d.day)]
      union all
      select e.available, e.date, coalesce(e.start, interval '0 hours'), coalesce(e."end", interval '24 hours'), a.time_zone
      from asked as a
      cross join lateral jsonb_to_recordset(coalesce(a.availability -> 'exceptions', '[]'))
        as e (date date, available boolean, start interval, "end" interval)
      where e.date = any (days)
    ),
    spans as (
      select
        w.available,
        lms_private.instant(w.day + w.start, w.time_zone) as starts_at,
        lms_private.instant(w.day + w."end", w.time_zone) as ends_at
      from windows as w
    )
    select
      coalesce(range_agg(tstzrange(s.starts_at, s.ends_at)) filter (where s.available), '{}'),
      coalesce(range_agg(tstzrange(s.starts_at, s.ends_at)) filter (where not s.available), '{}'),
      coalesce(
        (
          select jsonb_typeof(a.availability -> 'weekly') = 'array'
            or jsonb_path_exists(a.availability, '$.exceptions[*] ? (@.available == true)')
          from asked as a
        ),
        false
      )
    from spans as s
    -- A window across skipped hours may end before it begins.
    where s.starts_at < s.ends_at;
end
$$;

comment on function lms_private.available_on is
  'When a tutor of the context''s tenant is available on some days, and when absent, by the rules of lms.free_times. is_declared is false when no availability was ever given.';

alter function lms_private.available_on owner to lms_definer;

create function lms.tutors_planned_until(tutors uuid[]) returns table (tutor_id uuid, planned_until timestamptz)
language plpgsql
stable
security definer
rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  return query
    select c.tutor_id, min(c.planned_until)
    from lms.classes as c
    where c.tenant_id = current_setting('app.tenant_id')::uuid
      and c.tutor_id = any (tutors)
      and c.planned_until is not null
      and c.status = 'scheduled'
      and c.deleted_at is null
    group by c.tutor_id;
end
$$;

comment on function lms.tutors_planned_until is
  'Until when the lessons of tutors are completely planned: the earliest planned_until of their classes. There is no row for a tutor whose classes are all planned to their end. It bypasses row security as lms.free_times does.';

alter function lms.tutors_planned_until owner to lms_definer;
grant execute on function lms.tutors_planned_until to lms_application;
