-- Rules for classes and lessons, and the errors of clashes. Triggers enforce them with the caller's
-- rights; exclusion constraints see all rows anyway. Lessons are paid, so tutors can plan only
-- future lessons of usual length at their own centre, and the staff of the centre enter everything
-- else. A class is planned in one statement, so a class that is too large to be planned in time is
-- refused.

create function lms_private.is_allowed_transition(former text, fresh text) returns boolean
language sql
immutable
strict
parallel safe
return (former, fresh) in (
  ('scheduled', 'completed'),
  ('scheduled', 'cancelled')
);

comment on function lms_private.is_allowed_transition is 'The allowed transitions of status, for classes and occurrences.';

grant execute on function lms_private.is_allowed_transition to lms_application, lms_definer;

create function lms_private.check_status() returns trigger
language plpgsql
as $$
begin
  if new.status <> old.status and not lms_private.is_allowed_transition(old.status, new.status) then
    raise exception using
      errcode = 'LM409',
      message = format('The status cannot change from %s to %s.', old.status, new.status),
      column = 'status';
  end if;
  return new;
end
$$;

comment on function lms_private.check_status is 'LM409 for a transition that lms_private.is_allowed_transition does not allow.';

create function lms_private.teaches_subject(tenant uuid, tutor uuid, subject text, level text) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return lms_private.is_current_tenant(tenant) and exists (
    select
    from lms.tutors as t
    cross join jsonb_array_elements(t.subjects) as taught
    where t.tenant_id = teaches_subject.tenant
      and t.id = teaches_subject.tutor
      and lower(taught ->> 'subject') = lower(teaches_subject.subject)
      and (teaches_subject.level is null or taught ->> 'level' is null or lower(taught ->> 'level') = lower(teaches_subject.level))
  );
end
$$;

comment on function lms_private.teaches_subject is
  'True when the tutor teaches the subject at the level. A subject without a level includes all levels.';

alter function lms_private.teaches_subject owner to lms_definer;
grant execute on function lms_private.teaches_subject to lms_application;

create function lms_private.are_students_of_centre(tenant uuid, centre uuid, students jsonb) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return lms_private.is_current_tenant(tenant) and not exists (
    select
    from jsonb_array_elements_text(students) as one (id)
    left join lms.students as s
      on s.tenant_id = tenant
      and s.id = one.id::uuid
      and s.centre_id = centre
      and s.deleted_at is null
    where s.id is null
  );
end
$$;

comment on function lms_private.are_students_of_centre is 'True when all of these are live students of the centre.';

alter function lms_private.are_students_of_centre owner to lms_definer;
grant execute on function lms_private.are_students_of_centre to lms_application;

create function lms_private.check_class() returns trigger
language plpgsql
as $$
declare
  added jsonb := new.student_ids;
begin
  if tg_op = 'UPDATE' then
    if old.status <> 'scheduled' and (new.centre_id, new.tutor_id, new.student_ids, new.schedule, new.room)
      is distinct from (old.centre_id, old.tutor_id, old.student_ids, old.schedule, old.room)
    then
      raise exception using
        errcode = 'LM409',
        message = format('The class is %s. Its centre, tutor, students, schedule and room can no longer be changed.', old.status),
        column = 'status';
    end if;
    if new.centre_id = old.centre_id then
      added := added - array(select jsonb_array_elements_text(old.student_ids));
    end if;
  end if;
  if added <> '[]' and not lms_private.are_students_of_centre(new.tenant_id, new.centre_id, added) then
    raise exception using
      errcode = 'LM422',
      message = 'Each student must belong to the centre of the class.',
      detail = new.id,
      column = 'student_ids';
  end if;
  new.warnings := case
    when new.subject is null or lms_private.teaches_subject(new.tenant_id, new.tutor_id, new.subject, new.level) then '[]'
    else '["tutor_without_subject"]'
  end;
  return new;
end
$$;

comment on function lms_private.check_class is
  'Refuses students of other centres and changes to a finished class, and sets a warning when the tutor does not teach the subject.';

create function lms_private.planned_lessons(planned jsonb) returns table (starts_at timestamptz, ends_at timestamptz)
language sql
immutable
strict
parallel safe
rows 26
begin atomic
  select (span ->> 0)::timestamptz, (span ->> 1)::timestamptz
  from jsonb_array_elements(planned) as span;
end;

comment on function lms_private.planned_lessons is
  'The rows of classes.planned. Its times are in UTC, so no setting affects the result.';

grant execute on function lms_private.planned_lessons to lms_application, lms_definer;

-- Attendances are looked up by student, with ids that are cast beforehand: a cast within the
-- condition is not leakproof, and all attendances of the tenant would be read.
create function lms_private.raise_clash(violated text, classes lms.classes[], moved uuid default null) returns void
language plpgsql
as $$
#variable_conflict use_variable
declare
  field constant text := case violated
    when 'occurrences_tutor_id_excl' then 'tutor_id'
    when 'occurrences_room_excl' then 'room'
    when 'attendances_student_id_excl' then 'student_ids'
  end;
  label constant text := case field when 'tutor_id' then 'The tutor' when 'room' then 'The room' else 'A student' end;
  clash record;
begin
  if field is null then
    raise exception using errcode = '23P01', message = 'The value overlaps an existing resource.', constraint = violated;
  end if;
  -- Compares the times that the classes want or have with the lessons that the caller may see.
  -- Lessons of the same class that make room for its new ones are ignored.
  select c.id, t.class_id, t.starts_at, t.ends_at, t.student_id
  into clash
  from unnest(classes) as c
  cross join lateral (
    select s.starts_at, s.ends_at, moved as id, c.room
    from lms_private.planned_lessons(c.planned) as s
    union
    select o.starts_at, o.ends_at, o.id, o.room
    from lms.occurrences as o
    where moved is null
      and o.tenant_id = c.tenant_id
      and o.class_id = c.id
      and (o.deleted_at is null or o.deleted_at = c.deleted_at)
  ) as wanted
  cross join lateral (
    select o.class_id, o.starts_at, o.ends_at, null::uuid as student_id
    from lms.occurrences as o
    where field = 'tutor_id'
      and o.tenant_id = c.tenant_id
      and o.tutor_id = c.tutor_id
      and o.starts_at < wanted.ends_at
      and o.starts_at > wanted.starts_at - interval '25 hours'
      and o.ends_at > wanted.starts_at
      and o.id is distinct from wanted.id
      and (o.class_id <> c.id or moved is not null or o.starts_at <> o.original_start)
      and o.status <> 'cancelled'
      and o.deleted_at is null
    union all
    select o.class_id, o.starts_at, o.ends_at, null
    from lms.occurrences as o
    where field = 'room'
      and o.tenant_id = c.tenant_id
      and o.centre_id = c.centre_id
      and lower(o.room) = lower(wanted.room)
      and o.starts_at < wanted.ends_at
      and o.starts_at > wanted.starts_at - interval '25 hours'
      and o.ends_at > wanted.starts_at
      and o.class_id <> c.id
      and o.status <> 'cancelled'
      and o.deleted_at is null
    union all
    select a.class_id, a.starts_at, a.ends_at, a.student_id
    from lms.attendances as a
    where field = 'student_ids'
      and a.tenant_id = c.tenant_id
      and a.student_id = any (array(select one.id::uuid from jsonb_array_elements_text(c.student_ids) as one (id)))
      and a.starts_at < wanted.ends_at
      and a.starts_at > wanted.starts_at - interval '25 hours'
      and a.ends_at > wanted.starts_at
      and a.class_id <> c.id
      and a.is_booked
      and a.deleted_at is null
  ) as t
  where moved is not null or c.version = 1 or wanted.ends_at > now()
  order by t.class_id = c.id, t.starts_at
  limit 1;
  if not found and cardinality(classes) > 1 then
    -- No existing lesson is in the way, so two of these classes may clash.
    select w.id, w.starts_at, w.ends_at
    into clash
    from (
      select
        c.id,
        s.starts_at,
        s.ends_at,
        max(s.ends_at) over (
          partition by k.key
          order by s.starts_at, c.id
          rows between unbounded preceding and 1 preceding
        ) as taken_until
      from unnest(classes) as c
      cross join lms_private.planned_lessons(c.planned) as s
      cross join lateral (
        select c.tutor_id::text
        where field = 'tutor_id'
        union all
        select c.centre_id || lower(c.room)
        where field = 'room'
          and c.room is not null
        union all
        select one.id
        from jsonb_array_elements_text(c.student_ids) as one (id)
        where field = 'student_ids'
      ) as k (key)
    ) as w
    where w.taken_until > w.starts_at
    order by w.starts_at
    limit 1;
    if found then
      raise exception using
        errcode = 'LM409',
        message = format(
          '%s is booked for two of these classes, which overlap from %s.',
          label,
          to_char(clash.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        ),
        detail = clash.id,
        column = field;
    end if;
  end if;
  if clash is null then
    raise exception using errcode = 'LM409', message = format('%s is already booked at this time.', label), column = field;
  end if;
  raise exception using
    errcode = 'LM409',
    message = format(
      '%s is already booked from %s to %s for class %s.',
      label || coalesce(' (' || clash.student_id || ')', ''),
      to_char(clash.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      to_char(clash.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      clash.class_id
    ),
    detail = clash.id,
    column = field;
end
$$;

comment on function lms_private.raise_clash is
  'LM409 for classes whose lessons, or whose one rescheduled lesson, would violate an exclusion constraint. It names the existing lesson if the caller may see it. DETAIL is the refused class.';

grant execute on function lms_private.raise_clash to lms_application, lms_definer;

create function lms_private.limit_tutor_to_own_centre() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'UPDATE' and (new.centre_id, new.tutor_id) = (old.centre_id, old.tutor_id) then
    return new;
  end if;
  if not exists (
    select
    from lms.tutors as t
    where t.tenant_id = new.tenant_id
      and t.id = new.tutor_id
      and t.centre_id = new.centre_id
  ) then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor can create classes only at their own centre. Ask the staff of the other centre to create this class.';
  end if;
  return new;
end
$$;

comment on function lms_private.limit_tutor_to_own_centre is
  'LM403 for a class that a tutor creates at or moves to another centre. The staff of a centre can create one for a tutor of another.';

create function lms_private.limit_tutor_scheduling() returns trigger
language plpgsql
as $$
declare
  longest interval := interval '4 hours';
  is_timed boolean := true;
begin
  if tg_op = 'UPDATE' then
    is_timed := (new.starts_at, new.ends_at) <> (old.starts_at, old.ends_at);
    if is_timed and old.starts_at <= now() then
      raise exception using
        errcode = 'LM403',
        message = 'The lesson has begun. Ask the staff of the centre to change its time.';
    end if;
    -- A lesson that began while it was deleted can be restored only by those who may enter past
    -- lessons.
    if old.deleted_at < new.starts_at and new.deleted_at is null and new.starts_at <= now() then
      raise exception using
        errcode = 'LM403',
        message = 'A lesson began while it was deleted. Ask the staff of the centre to restore it.';
    end if;
    if old.status <> 'completed'
      and new.status = 'completed'
      and old.created_at > old.starts_at
      and old.created_by = current_setting('app.user_id')::uuid
    then
      raise exception using
        errcode = 'LM403',
        message = 'You created this lesson after it had begun. Ask the staff of the centre to complete it.';
    end if;
    longest := greatest(longest, old.ends_at - old.starts_at);
  end if;
  if is_timed and new.starts_at <= now() then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor can plan only future lessons. Ask the staff of the centre to create a lesson that has begun.';
  end if;
  if is_timed and new.ends_at - new.starts_at > longest then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor can plan lessons of at most 4 hours. Ask the staff of the centre to create a longer lesson.';
  end if;
  return new;
end
$$;

comment on function lms_private.limit_tutor_scheduling is
  'LM403 for lessons that a tutor may not create, move, extend, restore or complete without the staff of the centre.';

create function lms_private.check_enrolment_limit() returns trigger
language plpgsql
as $$
declare
  max_count constant integer := 50000;
  lessons constant integer := jsonb_array_length(new.planned);
  students constant integer := jsonb_array_length(new.student_ids);
begin
  if lessons * students > max_count
    and (tg_op = 'INSERT' or (new.student_ids, new.schedule) is distinct from (old.student_ids, old.schedule))
  then
    raise exception using
      errcode = 'LM422',
      message = format(
        'The class has %s lessons for %s students, but the product of the two must be at most %s. Let the class end earlier, or split it into several classes.',
        lessons, students, max_count
      ),
      detail = new.id,
      column = 'schedule';
  end if;
  return new;
end
$$;

comment on function lms_private.check_enrolment_limit is
  'LM422 for a class with too many lessons times students to plan at once. The worker extends existing classes.';
