-- Operations on classes and single lessons beyond the generated ones, with the caller's rights.
-- Before a lesson begins it cannot be completed, and attendance can only be recorded as excused.

create function lms.set_class_status(class uuid, status text, reason text) returns lms.classes
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
  if not lms_private.is_allowed_transition(c.status, status) then
    raise exception using errcode = 'LM409', message = format('The class is %s.', c.status), column = 'status';
  end if;
  if status = 'completed' and not exists (
    select
    from lms.occurrences as o
    where o.class_id = class
      and o.starts_at <= now()
      and o.status <> 'cancelled'
      and o.deleted_at is null
  ) then
    raise exception using
      errcode = 'LM409',
      message = 'No lesson of the class has begun. Cancel the class, or complete it once a lesson has begun.',
      column = 'status';
  end if;
  if status = 'cancelled' and reason is not null then
    update lms.occurrences as o
    set
      status = 'cancelled',
      reason = set_class_status.reason
    where o.class_id = class
      and o.status = 'scheduled'
      and o.starts_at > now()
      and o.deleted_at is null;
  end if;
  update lms.classes as r
  set status = set_class_status.status
  where r.id = class
  returning r.*
  into c;
  return c;
end
$$;

comment on function lms.set_class_status is
  'Cancels or completes a class. Lessons that have not begun are cancelled; those of a completed class that have begun are completed. LM409 for completing a class before its first lesson.';

grant execute on function lms.set_class_status to lms_application;

create function lms_private.lock_active_occurrence(class uuid, start timestamptz) returns lms.occurrences
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
    raise exception using errcode = 'LM409', message = 'The lesson is cancelled.', column = 'status';
  end if;
  return o;
end
$$;

comment on function lms_private.lock_active_occurrence is
  'Returns the lesson and locks it. LM404 when there is none, LM409 when it is cancelled.';

grant execute on function lms_private.lock_active_occurrence to lms_application;

create function lms.cancel_occurrence(class uuid, start timestamptz, reason text) returns lms.occurrences
language plpgsql
as $$
#variable_conflict use_variable
declare
  found constant lms.occurrences := lms_private.lock_active_occurrence(class, start);
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

comment on function lms.cancel_occurrence is 'Cancels one lesson, which frees its tutor, room and students.';

grant execute on function lms.cancel_occurrence to lms_application;

create function lms.reschedule_occurrence(class uuid, start timestamptz, input jsonb) returns lms.occurrences
language plpgsql
as $$
#variable_conflict use_variable
declare
  o lms.occurrences := lms_private.lock_active_occurrence(class, start);
  c lms.classes;
  starts timestamptz := (input ->> 'starts_at')::timestamptz;
  ends timestamptz := (input ->> 'ends_at')::timestamptz;
  place text := case when input ? 'room' then input ->> 'room' else (o).room end;
  violated text;
begin
  if o.status <> 'scheduled' then
    raise exception using errcode = 'LM409', message = format('The lesson is %s.', o.status), column = 'status';
  end if;
  if ends <= starts then
    raise exception using errcode = 'LM422', message = 'The end must be after the start.', column = 'ends_at';
  end if;
  if ends > starts + interval '24 hours' then
    raise exception using errcode = 'LM422', message = 'A lesson must last at most 24 hours.', column = 'ends_at';
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
    perform lms_private.raise_clash(violated, array[c], o.id);
    return null;
end
$$;

comment on function lms.reschedule_occurrence is
  'Moves one lesson to another time or room. It is still identified by its original start.';

grant execute on function lms.reschedule_occurrence to lms_application;

create function lms.record_attendance(class uuid, start timestamptz, students jsonb) returns setof lms.attendances
language plpgsql
as $$
#variable_conflict use_variable
declare
  o constant lms.occurrences := lms_private.lock_active_occurrence(class, start);
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
      message = 'The student is not enrolled in the lesson.',
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
      message = 'The student was given twice.',
      column = format('students/%s/student_id', stranger);
  end if;
  if o.starts_at > now() then
    select min(one.place) - 1
    into stranger
    from jsonb_array_elements(students) with ordinality as one (entry, place)
    where one.entry ->> 'status' <> 'excused';
    if stranger is not null then
      raise exception using
        errcode = 'LM409',
        message = 'The lesson has not begun. Until it begins, a student can only be excused.',
        column = format('students/%s/status', stranger);
    end if;
  end if;
  -- The list is complete: a student who is not in it has no record.
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
  'Records the attendance of a lesson and returns all its students. A record completes a lesson that has begun; before it begins LM409 for every status but excused.';

grant execute on function lms.record_attendance to lms_application;
