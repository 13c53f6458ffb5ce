-- What is done to classes and to single lessons beyond the plain verbs. With the caller's rights, as everything a request calls.
set local role lms_owner;

create function lms.settle_class(class uuid, status text, reason text) returns lms.classes
language plpgsql
as $$
#variable_conflict use_variable
declare
  c lms.classes;
begin
  select r.*
  into c
  from lms.classes as r
  where r.id = class
    and r.deleted_at is null
  for update;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  if not lms_private.may_become(c.status, status) then
    raise exception using errcode = 'LM409', message = format('This class is %s.', c.status), column = 'status';
  end if;
  if status = 'cancelled' and reason is not null then
    update lms.occurrences as o
    set
      status = 'cancelled',
      reason = settle_class.reason
    where o.class_id = class
      and o.status = 'scheduled'
      and o.starts_at > now()
      and o.deleted_at is null;
  end if;
  update lms.classes as r
  set status = settle_class.status
  where r.id = class
  returning r.*
  into c;
  return c;
end
$$;

comment on function lms.settle_class is
  'Cancels or completes a class. Its lessons that have not begun are cancelled, of a completed one those that have are completed.';

create function lms_private.changeable_occurrence(class uuid, start timestamptz) returns lms.occurrences
language plpgsql
as $$
declare
  o lms.occurrences;
begin
  select r.*
  into o
  from lms.occurrences as r
  where r.class_id = class
    and r.original_start = start
    and r.deleted_at is null
    and exists (select from lms.classes as c where c.id = r.class_id and c.deleted_at is null)
  for update;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  if o.status = 'cancelled' then
    raise exception using errcode = 'LM409', message = 'This lesson is cancelled.', column = 'status';
  end if;
  return o;
end
$$;

comment on function lms_private.changeable_occurrence is 'The lesson, locked; LM404 when there is none, LM409 when it is cancelled.';

create function lms.cancel_occurrence(class uuid, start timestamptz, reason text) returns lms.occurrences
language plpgsql
as $$
#variable_conflict use_variable
declare
  found constant lms.occurrences := lms_private.changeable_occurrence(class, start);
  o lms.occurrences;
begin
  update lms.occurrences as r
  set
    status = 'cancelled',
    reason = cancel_occurrence.reason
  where r.id = (found).id
  returning r.*
  into o;
  return o;
end
$$;

comment on function lms.cancel_occurrence is 'Cancels one lesson: its tutor, its room and its students are free again.';

create function lms.move_occurrence(class uuid, start timestamptz, input jsonb) returns lms.occurrences
language plpgsql
as $$
#variable_conflict use_variable
declare
  o lms.occurrences := lms_private.changeable_occurrence(class, start);
  c lms.classes;
  starts timestamptz := (input ->> 'start')::timestamptz;
  ends timestamptz := (input ->> 'end')::timestamptz;
  place text := case when input ? 'room' then input ->> 'room' else (o).room end;
  violated text;
begin
  if o.status <> 'scheduled' then
    raise exception using errcode = 'LM409', message = format('This lesson is %s.', o.status), column = 'status';
  end if;
  if ends <= starts then
    raise exception using errcode = 'LM422', message = 'The end must be after the start.', column = 'end';
  end if;
  if ends > starts + interval '24 hours' then
    raise exception using errcode = 'LM422', message = 'A lesson takes at most 24 hours.', column = 'end';
  end if;
  update lms.occurrences as r
  set
    starts_at = starts,
    ends_at = ends,
    room = place,
    reason = coalesce(input ->> 'reason', r.reason)
  where r.id = o.id
  returning r.*
  into o;
  return o;
exception
  when exclusion_violation then
    get stacked diagnostics violated = constraint_name;
    select r.* into c from lms.classes as r where r.id = class;
    c.tutor_id := o.tutor_id;
    c.room := place;
    c.planned := jsonb_build_array(jsonb_build_array(starts, ends));
    perform lms_private.refuse_clash(violated, array[c], o.id);
    return null;
end
$$;

comment on function lms.move_occurrence is 'Moves one lesson to another time or room; it is still known by its original start.';

create function lms.record_attendance(class uuid, start timestamptz, students jsonb) returns setof lms.attendances
language plpgsql
as $$
#variable_conflict use_variable
declare
  o constant lms.occurrences := lms_private.changeable_occurrence(class, start);
  stranger bigint;
begin
  select min(one.place) - 1
  into stranger
  from jsonb_array_elements(students) with ordinality as one (entry, place)
  where not exists (
    select
    from lms.attendances as a
    where a.occurrence_id = o.id
      and a.student_id = (one.entry ->> 'student_id')::uuid
      and a.deleted_at is null
  );
  if stranger is not null then
    raise exception using
      errcode = 'LM422',
      message = 'This student is not one of this lesson.',
      column = format('students/%s/student_id', stranger);
  end if;
  select min(one.place) - 1
  into stranger
  from (
    select e.place, row_number() over (partition by e.entry ->> 'student_id' order by e.place) as time
    from jsonb_array_elements(students) with ordinality as e (entry, place)
  ) as one
  where one.time > 1;
  if stranger is not null then
    raise exception using
      errcode = 'LM422',
      message = 'This student came before.',
      column = format('students/%s/student_id', stranger);
  end if;
  -- What is recorded is the whole list: who is not in it has no record.
  update lms.attendances as a
  set
    status = r.status,
    note = r.note
  from (
    select a.id, one.entry ->> 'status' as status, one.entry ->> 'note' as note
    from lms.attendances as a
    left join jsonb_array_elements(students) as one (entry)
      on (one.entry ->> 'student_id')::uuid = a.student_id
    where a.occurrence_id = o.id
      and a.deleted_at is null
  ) as r
  where a.id = r.id
    and (a.status, a.note) is distinct from (r.status, r.note);
  if o.status = 'scheduled' and o.starts_at <= now() and students <> '[]' then
    update lms.occurrences as r
    set status = 'completed'
    where r.id = o.id;
  end if;
  return query
    select a.*
    from lms.attendances as a
    where a.occurrence_id = o.id
      and a.deleted_at is null
    order by a.student_id;
end
$$;

comment on function lms.record_attendance is
  'Records who came to a lesson, and gives all its students. With a record, a lesson that has begun is completed.';

create function lms_private.shortened_rule(rule text, start timestamptz) returns text
language sql
immutable
strict
parallel safe
return ltrim(regexp_replace(rule, ';?(COUNT|UNTIL)=[^;]*', '', 'g'), ';')
  || to_char((start - interval '1 second') at time zone 'UTC', '";UNTIL="YYYYMMDD"T"HH24MISS"Z"');

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

comment on function lms_private.shortened_rule is 'The rule up to, and without, a start of its series.';
comment on function lms_private.remaining_rule is 'The rule behind so many starts of its series.';

create function lms_private.later_schedule(schedule jsonb, planned jsonb, start timestamptz) returns jsonb
language plpgsql
stable
as $$
declare
  form constant text := 'YYYY-MM-DD"T"HH24:MI:SS';
  first constant timestamp := start at time zone (schedule ->> 'time_zone');
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
      where one.time::timestamp < start at time zone (schedule ->> 'time_zone')
    )
  )
);

comment on function lms_private.earlier_schedule is 'The same series, up to and without one of its starts.';
comment on function lms_private.later_schedule is 'The same series, from one of its starts on.';

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
    raise exception using errcode = 'LM409', message = format('This class is %s.', former.status), column = 'status';
  end if;
  if start <= now() then
    raise exception using errcode = 'LM409', message = 'This lesson has begun.', column = 'start';
  end if;
  if not exists (select from lms_private.spans(former.planned) as s where s.starts_at < start) then
    raise exception using
      errcode = 'LM409',
      message = 'This is the first lesson of the class: change the class itself.',
      column = 'start';
  end if;
  if input ? 'tutor_id' and not exists (
    select from lms.tutors as t where t.id = (input ->> 'tutor_id')::uuid and t.deleted_at is null
  ) then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'tutor_id';
  end if;
  if exists (
    select
    from jsonb_array_elements_text(input -> 'student_ids') as one (id)
    where not exists (select from lms.students as s where s.id = one.id::uuid and s.deleted_at is null)
  ) then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'student_ids';
  end if;

  -- The new class takes over the later lessons as they are, with what was cancelled, moved or recorded of them; then the
  -- old one ends, and what changes is changed as in any class.
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
  'Changes a lesson and all that follow it: the class ends before it, and a new one goes on with what is different.';

create function lms.extend_class(class uuid, spans jsonb, until timestamptz) returns bigint
language plpgsql
as $$
#variable_conflict use_variable
declare
  span jsonb;
  refused bigint := 0;
begin
  update lms.classes as r
  set
    planned = r.planned || spans,
    planned_until = until
  where r.id = class
    and r.status = 'scheduled'
    and r.deleted_at is null;
  return 0;
exception
  when sqlstate 'LM409' then
    -- Nobody is there to be told. What clashes is there as cancelled, for somebody to see and to settle.
    for span in select value from jsonb_array_elements(spans) loop
      begin
        update lms.classes as r
        set planned = r.planned || jsonb_build_array(span)
        where r.id = class;
      exception
        when sqlstate 'LM409' then
          refused := refused + 1;
          insert into lms.occurrences (
            tenant_id, class_id, centre_id, tutor_id, room, original_start, starts_at, ends_at, status, reason
          )
          select
            r.tenant_id, r.id, r.centre_id, r.tutor_id, r.room,
            (span ->> 0)::timestamptz, (span ->> 0)::timestamptz, (span ->> 1)::timestamptz,
            'cancelled', 'Another lesson is in the way.'
          from lms.classes as r
          where r.id = class;
          update lms.classes as r
          set planned = r.planned || jsonb_build_array(span)
          where r.id = class;
      end;
    end loop;
    update lms.classes as r
    set planned_until = until
    where r.id = class;
    return refused;
end
$$;

comment on function lms.extend_class is
  'Adds lessons to a series whose horizon has moved, in the context of its tenant; gives how many of them clash and are cancelled. For lms_migrator.';

grant execute on function
  lms.settle_class,
  lms.cancel_occurrence,
  lms.move_occurrence,
  lms.record_attendance,
  lms.split_class,
  lms_private.changeable_occurrence,
  lms_private.shortened_rule,
  lms_private.remaining_rule,
  lms_private.earlier_schedule,
  lms_private.later_schedule,
  lms_private.planned_between
to lms_application;
grant execute on function lms.extend_class to lms_migrator;
