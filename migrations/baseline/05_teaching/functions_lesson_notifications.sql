-- Notifications about single lessons, and the triggers for changed classes. Messages name the
-- student, subject, place and time, and read well without a subject, a room or a reason; many
-- lessons of one class make one message.

create function lms_private.notify_lesson_changes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  -- Up to this number, students are named to a tutor.
  max_named constant integer := 3;
  one record;
begin
  -- Redacting a name in a room or a reason does not change the lesson.
  if lms_private.is_erasing() then
    return null;
  end if;
  -- Changes that come from the class are notified by notify_class_changes.
  if nullif(current_setting('app.lessons_before', true), '') is not null then
    return null;
  end if;
  for one in
    with changed as materialized (
      select
        n.*,
        o.starts_at as was_at,
        case when n.ends_at - n.starts_at <> o.ends_at - o.starts_at then o.ends_at end as was_until,
        -- A reason that was given for an earlier change stays in the row.
        case when n.reason is distinct from o.reason then n.reason end as fresh_reason,
        case when n.room is distinct from o.room then o.room end as was_room,
        case when n.tutor_id <> o.tutor_id then o.tutor_id end as was_tutor_id,
        case
          when n.status = 'cancelled' then 'cancelled'
          when n.starts_at <> o.starts_at then 'moved'
          else 'changed'
        end as what
      from old_rows as o
      join new_rows as n
        on n.tenant_id = o.tenant_id
        and n.id = o.id
      where o.starts_at > now()
        and o.status = 'scheduled'
        and o.deleted_at is null
        and n.deleted_at is null
        and (
          n.status = 'cancelled'
          or n.status = 'scheduled'
          and (n.starts_at, n.ends_at, n.room, n.tutor_id) is distinct from (o.starts_at, o.ends_at, o.room, o.tutor_id)
        )
    ), learning as materialized (
      select c.tenant_id, c.id, s.id as student_id, s.user_id, u.name
      from changed as c
      join lms.attendances as a
        on a.tenant_id = c.tenant_id
        and a.occurrence_id = c.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
    ), teaching as (
      select c.id, t.user_id
      from changed as c
      join lms.tutors as t
        on t.tenant_id = c.tenant_id
        and t.id in (c.tutor_id, c.was_tutor_id)
        and t.deleted_at is null
    ), told as (
      -- Students are told about their own lessons, parents about those of their children; tutors
      -- get the names of the students if there are few.
      select l.id, l.user_id, null as student
      from learning as l
      union
      select l.id, p.user_id, l.name
      from learning as l
      join lms.guardians as p
        on p.tenant_id = l.tenant_id
        and p.student_id = l.student_id
        and p.deleted_at is null
      union
      select t.id, t.user_id, l.name
      from teaching as t
      left join (
        select l.id, l.name, count(*) over (partition by l.id) as students
        from learning as l
      ) as l
        on l.id = t.id
        and l.students <= max_named
    )
    -- Many lessons of one class that change alike make one message for each person.
    select
      c.tenant_id,
      told.user_id,
      c.what,
      count(distinct c.id) as lessons,
      min(c.was_at) as was_at,
      max(c.was_at) as last_at,
      min(c.starts_at) as starts_at,
      min(c.was_until) as was_until,
      min(c.ends_at) filter (where c.was_until is not null) as until,
      min(c.fresh_reason) as reason,
      to_jsonb(array_agg(distinct told.student) filter (where told.student is not null)) as students,
      min(l.subject) as subject,
      case when count(distinct coalesce(c.room, '')) = 1 then min(c.room) end as room,
      min(c.was_room) as was_room,
      min(t.name) as tutor,
      min(w.name) as was_tutor,
      min(r.name) as centre,
      min(r.time_zone) as zone
    from told
    join changed as c
      on c.id = told.id
    join lms.classes as l
      on l.tenant_id = c.tenant_id
      and l.id = c.class_id
    join lms.tutors as t
      on t.tenant_id = c.tenant_id
      and t.id = c.tutor_id
    left join lms.tutors as w
      on w.tenant_id = c.tenant_id
      and w.id = c.was_tutor_id
    join lms.centres as r
      on r.tenant_id = c.tenant_id
      and r.id = c.centre_id
    where told.user_id is distinct from actor
    group by
      c.tenant_id,
      told.user_id,
      c.class_id,
      c.what,
      case when c.what = 'moved' then c.id end,
      case when c.what = 'changed' then array[c.tutor_id::text, c.was_tutor_id::text, c.room, c.was_room] end
    order by c.tenant_id, told.user_id, min(c.was_at)
  loop
    perform lms_private.notify(
      one.tenant_id,
      one.user_id,
      case
        when one.what = 'moved' then 'lesson_moved'
        when one.lessons > 1 then 'lessons_' || one.what
        else 'lesson_' || one.what
      end,
      jsonb_strip_nulls(
        jsonb_build_object(
          'lesson', coalesce(one.subject, one.tutor),
          'tutor', one.tutor,
          'centre', one.centre,
          'reason', one.reason,
          'students', one.students,
          'subject', one.subject,
          'room', one.room
        ) || case
          when one.what = 'cancelled' then '{}'
          else jsonb_build_object(
            'was_room', one.was_room,
            'was_tutor', one.was_tutor,
            'until', lms_private.format_local_time(one.until, one.zone),
            'was_until', lms_private.format_local_time(one.was_until, one.zone)
          )
        end || case
          when one.what = 'moved' then jsonb_build_object(
            'was_at', lms_private.format_local_time(one.was_at, one.zone),
            'starts_at', lms_private.format_local_time(one.starts_at, one.zone)
          )
          when one.lessons > 1 then jsonb_build_object(
            'count', one.lessons,
            'first_at', lms_private.format_local_time(one.was_at, one.zone),
            'last_at', lms_private.format_local_time(one.last_at, one.zone)
          )
          else jsonb_build_object('starts_at', lms_private.format_local_time(one.was_at, one.zone))
        end
      )
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_lesson_changes is
  'Notifies students, guardians and tutors, including former ones, of future lessons that were cancelled or rescheduled or have another end, room or tutor: each person once, except for the user who made the change.';

alter function lms_private.notify_lesson_changes owner to lms_definer;

-- Replanning creates new rows, so the future lessons are stored before it.
create function lms_private.capture_lessons() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notes jsonb;
begin
  select jsonb_object_agg(
    n.id,
    coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'id', l.id,
            'original_start', l.original_start,
            'starts_at', l.starts_at,
            'ends_at', l.ends_at,
            'centre_id', l.centre_id,
            'tutor_id', l.tutor_id,
            'room', l.room,
            'status', l.status
          )
        )
        from lms.occurrences as l
        where l.tenant_id = n.tenant_id
          and l.class_id = n.id
          and l.starts_at > now()
          and l.deleted_at is null
          and o.deleted_at is null
      ),
      '[]'
    )
  )
  into notes
  from old_rows as o
  join new_rows as n
    on n.tenant_id = o.tenant_id
    and n.id = o.id
  where (n.deleted_at, n.status, n.centre_id, n.tutor_id, n.student_ids, n.room, n.planned)
    is distinct from (o.deleted_at, o.status, o.centre_id, o.tutor_id, o.student_ids, o.room, o.planned);
  perform set_config('app.lessons_before', coalesce(notes::text, ''), true);
  return null;
end
$$;

comment on function lms_private.capture_lessons is
  'Stores the future lessons of changed classes, before they are replanned, for lms_private.notify_class_changes.';

alter function lms_private.capture_lessons owner to lms_definer;

create function lms_private.list_or_count(placeholder text, items text[], max_count integer) returns jsonb
language sql
immutable
parallel safe
return case
  when cardinality(items) = 0 then '{}'
  when cardinality(items) <= max_count then jsonb_build_object(placeholder, items)
  else jsonb_build_object(placeholder || '_count', cardinality(items))
end;

comment on function lms_private.list_or_count is
  'A placeholder with its list, or with the suffix _count the number of items when there are too many to name; nothing for an empty list.';

grant execute on function lms_private.list_or_count to lms_definer;

create function lms_private.notify_class_changes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notes constant jsonb := nullif(current_setting('app.lessons_before', true), '');
  change record;
begin
  perform set_config('app.lessons_before', '', true);
  if notes is null then
    return null;
  end if;
  for change in
    select row(o.*)::lms.classes as former, row(n.*)::lms.classes as fresh, notes -> n.id::text as lessons
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where notes ? n.id::text
    order by n.tenant_id, n.id
  loop
    perform lms_private.notify_class_change(change.former, change.fresh, change.lessons);
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_class_changes is
  'Notifies people of changed classes after their lessons have been replanned.';

alter function lms_private.notify_class_changes owner to lms_definer;
