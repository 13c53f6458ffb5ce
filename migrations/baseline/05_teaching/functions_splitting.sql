-- Changing a lesson and all that follow: a class is split into two, and the second one is changed.
-- A series that is split at a lesson in a skipped hour continues at the hour of its rule, not at
-- the time that clocks show on that day.

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
  'The local time by which a schedule identifies one of its starts. It differs from the clock when the hour is skipped.';

grant execute on function lms_private.nominal_start to lms_application;

create function lms_private.shortened_rule(rule text, start timestamptz) returns text
language sql
immutable
strict
parallel safe
return ltrim(regexp_replace(rule, ';?(COUNT|UNTIL)=[^;]*', '', 'g'), ';')
  || to_char((start - interval '1 second') at time zone 'UTC', '";UNTIL="YYYYMMDD"T"HH24MISS"Z"');

comment on function lms_private.shortened_rule is 'The recurrence rule, ending before a start of its series.';

grant execute on function lms_private.shortened_rule to lms_application;

create function lms_private.remaining_rule(rule text, gone bigint) returns text
language sql
immutable
strict
parallel safe
return case
  when rule ~ '(^|;)COUNT=' then regexp_replace(
    rule, '(^|;)COUNT=\d+', '\1COUNT=' || (substring(rule from '(?:^|;)COUNT=(\d+)')::bigint - gone)
  )
  else rule
end;

comment on function lms_private.remaining_rule is 'The recurrence rule after so many starts of its series.';

grant execute on function lms_private.remaining_rule to lms_application;

create function lms_private.later_schedule(schedule jsonb, planned jsonb, start timestamptz) returns jsonb
language plpgsql
stable
as $$
declare
  form constant text := 'YYYY-MM-DD"T"HH24:MI:SS';
  first constant timestamp := lms_private.nominal_start(schedule, start);
  length constant interval := (schedule ->> 'end')::timestamp - (schedule ->> 'start')::timestamp;
  gone bigint;
begin
  -- Excluded starts count too, because the rule does not know about exceptions.
  gone := (select count(*) from lms_private.planned_lessons(planned) as s where s.starts_at < start) + (
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

comment on function lms_private.later_schedule is 'The schedule from one of its starts on.';

grant execute on function lms_private.later_schedule to lms_application;

create function lms_private.earlier_schedule(schedule jsonb, start timestamptz) returns jsonb
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

comment on function lms_private.earlier_schedule is 'The schedule up to, but not including, one of its starts.';

grant execute on function lms_private.earlier_schedule to lms_application;

create function lms_private.planned_between(planned jsonb, from_start timestamptz, to_start timestamptz) returns jsonb
language sql
stable
parallel safe
return (
  select coalesce(jsonb_agg(span order by place), '[]')
  from jsonb_array_elements(planned) with ordinality as one (span, place)
  where (span ->> 0)::timestamptz >= from_start
    and (span ->> 0)::timestamptz < to_start
);

grant execute on function lms_private.planned_between to lms_application;

-- Ids of students are cast in a sub-select with offset 0, so that they can be looked up by key: the
-- cast itself is not leakproof.
create function lms.split_class(class uuid, start timestamptz, id uuid, input jsonb) returns lms.classes
language plpgsql
as $$
#variable_conflict use_variable
declare
  former lms.classes;
  fresh lms.classes;
  later jsonb;
begin
  select r.*
  into former
  from lms.classes as r
  where r.id = class
    and r.deleted_at is null
  for update;
  if not found or not exists (
    select
    from lms.occurrences as o
    where o.class_id = class
      and o.original_start = start
      and o.deleted_at is null
  ) then
    raise exception using errcode = 'LM404';
  end if;
  if former.status <> 'scheduled' then
    raise exception using errcode = 'LM409', message = format('The class is %s.', former.status), column = 'status';
  end if;
  if start <= now() then
    raise exception using errcode = 'LM409', message = 'The lesson has begun.', column = 'start';
  end if;
  if not exists (select from lms_private.planned_lessons(former.planned) as s where s.starts_at < start) then
    raise exception using
      errcode = 'LM409',
      message = 'This is the first lesson of the class. Update the class instead.',
      column = 'start';
  end if;
  if input ? 'tutor_id' and not exists (
    select from lms.tutors as t where t.id = (input ->> 'tutor_id')::uuid and t.deleted_at is null
  ) then
    raise exception using errcode = 'foreign_key_violation', column = 'tutor_id';
  end if;
  if exists (
    select
    from (
      select e.id::uuid as id
      from jsonb_array_elements_text(input -> 'student_ids') as e (id)
      offset 0
    ) as one
    where not exists (select from lms.students as s where s.id = one.id and s.deleted_at is null)
  ) then
    raise exception using errcode = 'foreign_key_violation', column = 'student_ids';
  end if;

  -- The new class takes over the later lessons with their changes and records. Then the old class
  -- is shortened, and the changes are applied to the new one as to any class.
  later := lms_private.planned_between(former.planned, start, 'infinity');
  fresh := former;
  fresh.id := id;
  fresh.schedule := lms_private.later_schedule(former.schedule, former.planned, start);
  fresh.planned := '[]';
  insert into lms.classes select fresh.*;
  update lms.occurrences as o
  set class_id = id
  where o.class_id = class
    and o.original_start >= start
    and o.deleted_at is null;
  update lms.classes as r
  set
    schedule = lms_private.earlier_schedule(former.schedule, start),
    planned = lms_private.planned_between(former.planned, '-infinity', start),
    planned_until = null
  where r.id = class;
  update lms.classes as r
  set planned = later
  where r.id = id;
  update lms.classes as r
  set
    tutor_id = coalesce((input ->> 'tutor_id')::uuid, r.tutor_id),
    student_ids = coalesce(input -> 'student_ids', r.student_ids),
    schedule = coalesce(input -> 'schedule', r.schedule),
    planned = coalesce(input -> 'planned', r.planned),
    planned_until = case
      when input ? 'planned' then (input ->> 'planned_until')::timestamptz
      else r.planned_until
    end,
    subject = case when input ? 'subject' then input ->> 'subject' else r.subject end,
    level = case when input ? 'level' then input ->> 'level' else r.level end,
    room = case when input ? 'room' then input ->> 'room' else r.room end,
    meeting_provider = case when input ? 'meeting_provider' then input ->> 'meeting_provider' else r.meeting_provider end,
    meeting_url = case when input ? 'meeting_url' then input ->> 'meeting_url' else r.meeting_url end
  where r.id = id
  returning r.*
  into fresh;
  return fresh;
end
$$;

comment on function lms.split_class is
  'Changes a lesson and all that follow: the class ends before it, and a new class continues with the changes.';

grant execute on function lms.split_class to lms_application;
