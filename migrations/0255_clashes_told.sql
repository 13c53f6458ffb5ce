-- A lesson that cannot take place when its turn to be planned comes, because tutor, room or student is taken, is made cancelled by the
-- worker. Whom it concerns is told, as of a lesson that was cancelled, and so are those who run the centre: they may find another time.
set local role lms_owner;

create function lms_private.tell_of_clashes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
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
    ), told as (
      select n.id, s.user_id
      from clashing as n
      join lms.attendances as a
        on a.tenant_id = n.tenant_id
        and a.occurrence_id = n.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      union
      select n.id, p.user_id
      from clashing as n
      join lms.attendances as a
        on a.tenant_id = n.tenant_id
        and a.occurrence_id = n.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      cross join lateral (
        select s.parent_id
        where s.parent_id is not null
        union
        select g.user_id
        from lms.guardians as g
        where g.tenant_id = s.tenant_id
          and g.student_id = s.id
          and g.deleted_at is null
      ) as p (user_id)
      union
      select n.id, t.user_id
      from clashing as n
      join lms.tutors as t
        on t.tenant_id = n.tenant_id
        and t.id = n.tutor_id
        and t.deleted_at is null
      union
      select n.id, u.user_id
      from clashing as n
      cross join unnest(lms_private.supervisors_of(n.tenant_id, n.centre_id)) as u (user_id)
    )
    select
      n.tenant_id,
      told.user_id,
      count(*) as lessons,
      min(n.starts_at) as first_at,
      max(n.starts_at) as last_at,
      min(n.reason) as reason,
      coalesce(min(c.subject), min(t.name)) as lesson,
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
    -- Of a class that is over as a whole nobody waits for a lesson.
    where c.status = 'scheduled'
    group by n.tenant_id, told.user_id, n.class_id
    order by n.tenant_id, told.user_id
  loop
    perform lms_private.notify(
      one.tenant_id,
      one.user_id,
      case when one.lessons > 1 then 'lessons_cancelled' else 'lesson_cancelled' end,
      jsonb_build_object(
        'lesson', one.lesson,
        'tutor', one.tutor,
        'centre', one.centre,
        'reason', coalesce(one.reason, '—')
      ) || case
        when one.lessons > 1 then jsonb_build_object(
          'count', one.lessons,
          'first_at', lms_private.local_time(one.first_at, one.zone),
          'last_at', lms_private.local_time(one.last_at, one.zone)
        )
        else jsonb_build_object('starts_at', lms_private.local_time(one.first_at, one.zone))
      end
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_clashes is
  'Tells students, their parents, the tutor and the centre''s supervisors of lessons ahead that are made cancelled, each person once for each class.';

alter function lms_private.tell_of_clashes owner to lms_definer;

-- Behind then_book, in the order of the alphabet: the attendances say whose lessons they are.
create trigger then_tell_of_clashes
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.tell_of_clashes();
