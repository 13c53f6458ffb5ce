-- Notifications about lessons that clash. The worker creates a lesson as cancelled when its tutor,
-- room or a student is already booked, and notifies everyone concerned and the supervisors of the
-- centre, who may find another time.

create function lms_private.notify_clashes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
  event_key text;
begin
  if not exists (select from new_rows as n where n.status = 'cancelled' and n.starts_at > now() and n.deleted_at is null) then
    return null;
  end if;
  for one in
    with clashing as materialized (
      select n.*
      from new_rows as n
      where n.status = 'cancelled'
        and n.starts_at > now()
        and n.deleted_at is null
    ), learning as materialized (
      select n.tenant_id, n.id, s.id as student_id, s.user_id, s.parent_id, u.name
      from clashing as n
      join lms.attendances as a
        on a.tenant_id = n.tenant_id
        and a.occurrence_id = n.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
    ), told as (
      -- Parents are told which child a lesson concerns. Students need not be, and the tutor and the
      -- office look at the class.
      select l.id, l.user_id, null as student
      from learning as l
      union
      select l.id, p.user_id, l.name
      from learning as l
      cross join lateral (
        select l.parent_id
        where l.parent_id is not null
        union
        select g.user_id
        from lms.guardians as g
        where g.tenant_id = l.tenant_id
          and g.student_id = l.student_id
          and g.deleted_at is null
      ) as p (user_id)
      union
      select n.id, t.user_id, null
      from clashing as n
      join lms.tutors as t
        on t.tenant_id = n.tenant_id
        and t.id = n.tutor_id
        and t.deleted_at is null
      union
      select n.id, u.user_id, null
      from clashing as n
      cross join unnest(lms_private.centre_supervisors(n.tenant_id, n.centre_id)) as u (user_id)
    )
    select
      n.tenant_id,
      told.user_id,
      count(distinct n.id) as lessons,
      min(n.starts_at) as first_at,
      max(n.starts_at) as last_at,
      case
        when min(n.reason) = 'clash' then lms_private.clash_reason(min(w.languages))
        else min(n.reason)
      end as reason,
      to_jsonb(array_agg(distinct told.student) filter (where told.student is not null)) as students,
      min(c.subject) as subject,
      min(n.room) as room,
      min(t.name) as tutor,
      min(r.name) as centre,
      min(r.time_zone) as zone
    from told
    join clashing as n
      on n.id = told.id
    join lms.classes as c
      on c.tenant_id = n.tenant_id
      and c.id = n.class_id
    join lms.tutors as t
      on t.tenant_id = n.tenant_id
      and t.id = n.tutor_id
    join lms.centres as r
      on r.tenant_id = n.tenant_id
      and r.id = n.centre_id
    cross join lateral (
      select lms_private.preferred_languages(u.language_preferences, e.settings) as languages
      from lms.users as u
      join lms.tenants as e
        on e.tenant_id = u.tenant_id
      where u.tenant_id = n.tenant_id
        and u.id = told.user_id
    ) as w
    -- Nobody expects lessons of a class that has ended.
    where c.status = 'scheduled'
    group by n.tenant_id, told.user_id, n.class_id
    order by n.tenant_id, told.user_id
  loop
    event_key := case when one.lessons > 1 then 'lessons_cancelled' else 'lesson_cancelled' end;
    -- Only the placeholders of the event are passed on.
    perform lms_private.notify(
      one.tenant_id,
      one.user_id,
      event_key,
      (
        select jsonb_object_agg(v.name, v.value)
        from jsonb_each(
          jsonb_strip_nulls(jsonb_build_object(
            'lesson', coalesce(one.subject, one.tutor),
            'tutor', one.tutor,
            'centre', one.centre,
            'reason', one.reason,
            'students', one.students,
            'subject', one.subject,
            'room', one.room,
            'count', one.lessons,
            'first_at', lms_private.format_local_time(one.first_at, one.zone),
            'last_at', lms_private.format_local_time(one.last_at, one.zone),
            'starts_at', lms_private.format_local_time(one.first_at, one.zone)
          ))
        ) as v (name, value)
        join lms_private.notification_events as e
          on e.key = event_key
          and v.name = any (e.placeholders)
      )
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_clashes is
  'Notifies students, guardians, the tutor and the centre''s supervisors of future lessons that are created as cancelled, each person once for each class.';

alter function lms_private.notify_clashes owner to lms_definer;

-- The row holds a code as the reason for which the worker cancels a clashing lesson; messages
-- translate it.
create function lms_private.clash_reason(languages text[]) returns text
language sql
immutable
parallel safe
return (
  select w.reason
  from (
    values
      ('en', 'The tutor, the room or a student has another lesson at that time.'),
      ('de', 'Lehrkraft, Raum oder jemand aus der Klasse hat dann schon eine andere Stunde.'),
      ('es', 'El tutor, el aula o un alumno ya tiene otra clase a esa hora.')
  ) as w (language, reason)
  order by coalesce(array_position(languages, w.language), 1000), w.language <> 'en'
  limit 1
);

comment on function lms_private.clash_reason is
  'The reason of a clash for messages, in the first of the languages that is available, or in English.';

grant execute on function lms_private.clash_reason to lms_definer;

create function lms_private.count_clashes() returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from lms.occurrences as o
  join lms.tenants as t
    on t.tenant_id = o.tenant_id
  where o.status = 'cancelled'
    and o.reason = 'clash'
    and o.deleted_at is null
    and o.starts_at > now()
    and t.status = 'active'
    and t.deleted_at is null
    and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
$$;

comment on function lms_private.count_clashes is
  'The number of lessons to come that were cancelled because of a clash, of all active tenants. For the worker.';

alter function lms_private.count_clashes owner to lms_definer;
grant execute on function lms_private.count_clashes to lms_owner;
