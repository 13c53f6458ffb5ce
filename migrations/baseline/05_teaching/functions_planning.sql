-- Rows that follow from a class: its enrolments, occurrences and attendances. Triggers maintain
-- them with the caller's rights.

create function lms_private.plan_classes() returns trigger
language plpgsql
as $$
declare
  violated text;
begin
  insert into lms.enrolments (tenant_id, class_id, student_id)
  select c.tenant_id, c.id, one.id::uuid
  from new_rows as c
  cross join jsonb_array_elements_text(c.student_ids) as one (id);

  insert into lms.occurrences (
    tenant_id, class_id, centre_id, tutor_id, room, original_start, starts_at, ends_at, status
  )
  select c.tenant_id, c.id, c.centre_id, c.tutor_id, c.room, s.starts_at, s.starts_at, s.ends_at, c.status
  from new_rows as c
  cross join lms_private.planned_lessons(c.planned) as s;
  return null;
exception
  when exclusion_violation then
    get stacked diagnostics violated = constraint_name;
    perform lms_private.raise_clash(violated, array(select row(c.*)::lms.classes from new_rows as c));
    return null;
end
$$;

comment on function lms_private.plan_classes is 'Creates the enrolments and occurrences of new classes.';

create function lms_private.replan(former lms.classes, fresh lms.classes) returns void
language plpgsql
as $$
declare
  has_begun boolean;
begin
  if former.deleted_at is null and fresh.deleted_at is not null then
    update lms.occurrences as o
    set deleted_at = fresh.deleted_at
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.deleted_at is null;
    update lms.enrolments as e
    set deleted_at = fresh.deleted_at
    where e.tenant_id = fresh.tenant_id
      and e.class_id = fresh.id
      and e.deleted_at is null;
  elsif former.deleted_at is not null and fresh.deleted_at is null then
    -- Only rows that were deleted with the class are restored.
    update lms.enrolments as e
    set deleted_at = null
    where e.tenant_id = fresh.tenant_id
      and e.class_id = fresh.id
      and e.deleted_at = former.deleted_at;
    update lms.occurrences as o
    set deleted_at = null
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.deleted_at = former.deleted_at;
  end if;
  if former.deleted_at is not null or fresh.deleted_at is not null then
    return;
  end if;

  if fresh.status <> former.status then
    update lms.occurrences as o
    set status = case when fresh.status = 'completed' and o.starts_at <= now() then 'completed' else 'cancelled' end
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.status = 'scheduled'
      and (fresh.status = 'completed' or o.starts_at > now())
      and o.deleted_at is null;
    return;
  end if;
  if (fresh.centre_id, fresh.tutor_id, fresh.student_ids, fresh.room, fresh.planned)
    is not distinct from (former.centre_id, former.tutor_id, former.student_ids, former.room, former.planned)
  then
    return;
  end if;

  -- Deletions come first to make room, then changes, then insertions.
  if fresh.student_ids <> former.student_ids then
    update lms.enrolments as e
    set deleted_at = now()
    where e.tenant_id = fresh.tenant_id
      and e.class_id = fresh.id
      and not fresh.student_ids ? e.student_id::text
      and e.deleted_at is null;
    update lms.attendances as a
    set deleted_at = now()
    where a.tenant_id = fresh.tenant_id
      and a.class_id = fresh.id
      and a.starts_at > now()
      and not fresh.student_ids ? a.student_id::text
      and a.deleted_at is null;
  end if;
  if fresh.planned <> former.planned then
    update lms.occurrences as o
    set deleted_at = now()
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.starts_at > now()
      and o.deleted_at is null
      and not exists (select from lms_private.planned_lessons(fresh.planned) as s where s.starts_at = o.original_start);
  end if;
  -- A lesson that was moved to another room or time keeps it.
  update lms.occurrences as o
  set
    centre_id = fresh.centre_id,
    tutor_id = wanted.tutor_id,
    room = wanted.room,
    ends_at = wanted.ends_at
  from (
    select
      l.id,
      case when l.starts_at > now() then fresh.tutor_id else l.tutor_id end as tutor_id,
      case when l.starts_at > now() and l.room is not distinct from former.room then fresh.room else l.room end as room,
      case
        when l.starts_at > now() and l.starts_at = f.starts_at and l.ends_at = f.ends_at then coalesce(s.ends_at, l.ends_at)
        else l.ends_at
      end as ends_at
    from lms.occurrences as l
    left join lms_private.planned_lessons(former.planned) as f
      on f.starts_at = l.original_start
    left join lms_private.planned_lessons(fresh.planned) as s
      on s.starts_at = l.original_start
    where l.tenant_id = fresh.tenant_id
      and l.class_id = fresh.id
      and l.deleted_at is null
  ) as wanted
  where o.tenant_id = fresh.tenant_id
    and o.id = wanted.id
    and (o.centre_id, o.tutor_id, o.room, o.ends_at)
      is distinct from (fresh.centre_id, wanted.tutor_id, wanted.room, wanted.ends_at);
  if fresh.student_ids <> former.student_ids then
    insert into lms.enrolments (tenant_id, class_id, student_id)
    select fresh.tenant_id, fresh.id, one.id::uuid
    from jsonb_array_elements_text(fresh.student_ids) as one (id)
    where not former.student_ids ? one.id;
    insert into lms.attendances (tenant_id, occurrence_id, class_id, student_id, starts_at, ends_at, is_booked)
    select o.tenant_id, o.id, o.class_id, one.id::uuid, o.starts_at, o.ends_at, o.status <> 'cancelled'
    from lms.occurrences as o
    cross join jsonb_array_elements_text(fresh.student_ids) as one (id)
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.ends_at > now()
      and o.deleted_at is null
      and not former.student_ids ? one.id;
  end if;
  if fresh.planned <> former.planned and fresh.status = 'scheduled' then
    -- Lessons that have begun stay unchanged. A plan may begin in the past only as long as no
    -- lesson has begun.
    has_begun := exists (
      select
      from lms.occurrences as o
      where o.tenant_id = fresh.tenant_id
        and o.class_id = fresh.id
        and o.starts_at <= now()
        and o.deleted_at is null
    );
    insert into lms.occurrences (tenant_id, class_id, centre_id, tutor_id, room, original_start, starts_at, ends_at)
    select fresh.tenant_id, fresh.id, fresh.centre_id, fresh.tutor_id, fresh.room, s.starts_at, s.starts_at, s.ends_at
    from lms_private.planned_lessons(fresh.planned) as s
    where (s.starts_at > now() or not has_begun)
      and not exists (
        select
        from lms.occurrences as o
        where o.tenant_id = fresh.tenant_id
          and o.class_id = fresh.id
          and o.original_start = s.starts_at
          and o.deleted_at is null
      );
  end if;
end
$$;

comment on function lms_private.replan is
  'Adapts enrolments and occurrences to a changed class. Lessons that have begun stay unchanged.';

grant execute on function lms_private.replan to lms_application, lms_definer;

create function lms_private.replan_classes() returns trigger
language plpgsql
as $$
declare
  change record;
  former lms.classes;
  fresh lms.classes;
  violated text;
begin
  for change in
    select row(o.*)::lms.classes as former, row(n.*)::lms.classes as fresh
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
  loop
    former := change.former;
    fresh := change.fresh;
    begin
      perform lms_private.replan(former, fresh);
    exception
      when exclusion_violation then
        get stacked diagnostics violated = constraint_name;
        if fresh.deleted_at is null then
          -- For a class that is restored, its deleted lessons are the ones to check.
          fresh.deleted_at := former.deleted_at;
        end if;
        perform lms_private.raise_clash(violated, array[fresh]);
    end;
  end loop;
  return null;
end
$$;

comment on function lms_private.replan_classes is 'Calls lms_private.replan for each changed class.';

create function lms_private.create_attendances() returns trigger
language plpgsql
as $$
begin
  insert into lms.attendances (tenant_id, occurrence_id, class_id, student_id, starts_at, ends_at, is_booked)
  select o.tenant_id, o.id, o.class_id, e.student_id, o.starts_at, o.ends_at, o.status <> 'cancelled'
  from new_rows as o
  join lms.enrolments as e
    on e.tenant_id = o.tenant_id
    and e.class_id = o.class_id
  where e.deleted_at is null;
  return null;
end
$$;

comment on function lms_private.create_attendances is
  'Creates the attendances of new occurrences, one for each student of the class.';

create function lms_private.update_attendances() returns trigger
language plpgsql
as $$
begin
  update lms.attendances as a
  set
    class_id = n.class_id,
    starts_at = n.starts_at,
    ends_at = n.ends_at,
    is_booked = n.status <> 'cancelled',
    deleted_at = n.deleted_at
  from new_rows as n
  join old_rows as o
    on o.tenant_id = n.tenant_id
    and o.id = n.id
  where a.tenant_id = n.tenant_id
    and a.occurrence_id = n.id
    and a.deleted_at is not distinct from o.deleted_at
    and (a.class_id, a.starts_at, a.ends_at, a.is_booked, a.deleted_at)
      is distinct from (n.class_id, n.starts_at, n.ends_at, n.status <> 'cancelled', n.deleted_at);
  return null;
end
$$;

comment on function lms_private.update_attendances is
  'Keeps the attendances of an occurrence in step with it: moved, cancelled, deleted and restored together.';

create function lms_private.classes_with_outdated_times(now timestamptz) returns table (class_id uuid, lessons bigint, first_at timestamptz)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select o.class_id, count(*), min(o.original_start)
  from lms.occurrences as o
  join lms.classes as c
    on c.tenant_id = o.tenant_id
    and c.id = o.class_id
  cross join lateral (
    select c.schedule ->> 'time_zone' as time_zone, ((c.schedule ->> 'start')::timestamp)::time as begins
  ) as s
  where o.starts_at > now
    and o.original_start > now
    and o.status = 'scheduled'
    and o.deleted_at is null
    and c.status = 'scheduled'
    and c.deleted_at is null
    -- When the hour of a lesson is skipped, clocks show another time, and the lesson is still
    -- correct.
    and (o.original_start at time zone s.time_zone)::time <> s.begins
    and lms_private.instant((o.original_start at time zone s.time_zone)::date + s.begins, s.time_zone) <> o.original_start
  group by o.class_id
  order by min(o.original_start), o.class_id;
$$;

comment on function lms_private.classes_with_outdated_times is
  'Classes of the context''s tenant with future lessons that no longer begin at the local time of their schedule, because the rules of the time zone have changed, with the number of these lessons and the first of them.';
