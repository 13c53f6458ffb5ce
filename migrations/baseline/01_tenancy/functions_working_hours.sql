-- Working time of a centre: weekly windows, holidays, and due times that count only working time.

create function lms_private.working_times(
  day date,
  midnight timestamptz,
  next_midnight timestamptz,
  working_hours jsonb,
  holidays jsonb,
  time_zone text
) returns tstzmultirange
language plpgsql
stable
parallel safe
as $$
#variable_conflict use_variable
declare
  weekday constant text :=
    (array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])[extract(isodow from day)];
begin
  if holidays @> jsonb_build_array(jsonb_build_object('date', day)) then
    return '{}';
  end if;
  if next_midnight - midnight = interval '24 hours' then
    return coalesce(
      (
        select range_agg(tstzrange(midnight + w.start, midnight + w."end"))
        from jsonb_to_recordset(working_hours) as w (weekday text, start interval, "end" interval)
        where w.weekday = weekday
      ),
      '{}'
    );
  end if;
  -- The clocks change on this day, so the local time of each minute is looked up.
  return coalesce(
    (
      select range_agg(tstzrange(m.minute, m.minute + interval '1 minute'))
      from generate_series(midnight, next_midnight - interval '1 minute', interval '1 minute') as m (minute)
      join jsonb_to_recordset(working_hours) as w (weekday text, start time, "end" time)
        on w.weekday = weekday
        and (m.minute at time zone time_zone)::time >= w.start
        and (m.minute at time zone time_zone)::time < w."end"
    ),
    '{}'
  );
end
$$;

comment on function lms_private.working_times is
  'The working hours of a day, which lasts from one midnight to the next, as instants; empty on a holiday.';

grant execute on function lms_private.working_times to lms_application, lms_definer;

create function lms_private.due_at(
  start timestamptz,
  minutes integer,
  working_hours jsonb,
  holidays jsonb,
  time_zone text
) returns timestamptz
language plpgsql
stable
parallel safe
as $$
#variable_conflict use_variable
declare
  latest constant timestamptz := start + interval '8784 hours';
  day date := (start at time zone time_zone)::date;
  midnight timestamptz := lms_private.instant(day, time_zone);
  next_midnight timestamptz;
  remaining interval := make_interval(mins => minutes);
  span tstzrange;
begin
  if working_hours = '[]' then
    return least(start + remaining, latest);
  end if;
  while midnight < latest loop
    next_midnight := lms_private.instant(day + 1, time_zone);
    for span in
      select s.span
      from unnest(
        lms_private.working_times(day, midnight, next_midnight, working_hours, holidays, time_zone)
          * tstzmultirange(tstzrange(start, null))
      ) as s (span)
      order by s.span
    loop
      if upper(span) - lower(span) >= remaining then
        return least(lower(span) + remaining, latest);
      end if;
      remaining := remaining - (upper(span) - lower(span));
    end loop;
    day := day + 1;
    midnight := next_midnight;
  end loop;
  return latest;
end
$$;

comment on function lms_private.due_at is
  'The instant at which so many minutes of working time have passed since the start. Without working hours all time counts. At most 366 days after the start.';

grant execute on function lms_private.due_at to lms_application, lms_definer;
