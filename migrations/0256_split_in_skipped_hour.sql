-- A series that is split at a lesson in an hour that the clocks skip goes on at the hour of its rule, not at the one that the clock shows on
-- that day alone.
set local role lms_owner;

create function lms_private.nominal_start(schedule jsonb, start timestamptz) returns timestamp
language sql
stable
parallel safe
return (
  select
    case
      when lms_private.instant(t.usual, schedule ->> 'time_zone') = nominal_start.start then t.usual
      else t.shown
    end
  from (
    select
      s.shown,
      s.shown::date + (schedule ->> 'start')::timestamp::time as usual
    from (select nominal_start.start at time zone (schedule ->> 'time_zone') as shown) as s
  ) as t
);

comment on function lms_private.nominal_start is
  'The local time by which a schedule names one of its starts: where clocks skip it, that is not what they show.';

create or replace function lms_private.later_schedule(schedule jsonb, planned jsonb, start timestamptz) returns jsonb
language plpgsql
stable
as $$
declare
  form constant text := 'YYYY-MM-DD"T"HH24:MI:SS';
  first constant timestamp := lms_private.nominal_start(schedule, start);
  length constant interval := (schedule ->> 'end')::timestamp - (schedule ->> 'start')::timestamp;
  gone bigint;
begin
  -- Starts that are left out count too: the rule knows nothing of exceptions.
  gone := (select count(*) from lms_private.spans(planned) as s where s.starts_at < start) + (
    select count(distinct one.time)
    from jsonb_array_elements_text(schedule -> 'recurring' -> 'except') as one (time)
    where one.time::timestamp < first
  );
  return schedule || jsonb_build_object(
    'start', to_char(first, form),
    'end', to_char(first + length, form),
    'recurring', jsonb_build_object(
      'rule', lms_private.remaining_rule(schedule -> 'recurring' ->> 'rule', gone),
      'except', coalesce(
        (
          select jsonb_agg(one.time)
          from jsonb_array_elements_text(schedule -> 'recurring' -> 'except') as one (time)
          where one.time::timestamp >= first
        ),
        '[]'
      )
    )
  );
end
$$;

create or replace function lms_private.earlier_schedule(schedule jsonb, start timestamptz) returns jsonb
language sql
stable
parallel safe
return schedule || jsonb_build_object(
  'recurring', jsonb_build_object(
    'rule', lms_private.shortened_rule(schedule -> 'recurring' ->> 'rule', start),
    'except', (
      select coalesce(jsonb_agg(one.time), '[]')
      from jsonb_array_elements_text(schedule -> 'recurring' -> 'except') as one (time)
      where one.time::timestamp < lms_private.nominal_start(schedule, start)
    )
  )
);

grant execute on function lms_private.nominal_start, lms_private.instant to lms_application;
