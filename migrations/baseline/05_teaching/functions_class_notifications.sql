-- Notifications about lessons that change through their class: a new schedule moves, adds or
-- removes lessons, a class is deleted or restored, students join or leave. Replanning creates new
-- rows, so the former lessons are compared with the present ones, and each person is notified once
-- for each change of a class. A different end of a lesson is a change too.

create function lms_private.notify_class_change(former lms.classes, fresh lms.classes, lessons jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  zone constant text := (select c.time_zone from lms.centres as c where c.tenant_id = fresh.tenant_id and c.id = fresh.centre_id);
  -- Extending a series is no news, and a series without an end does not lose lessons by being
  -- replanned.
  may_add constant boolean := fresh.schedule <> former.schedule or former.deleted_at is not null;
  is_endless constant boolean := fresh.planned_until is not null
    and former.planned_until is not null
    and fresh.deleted_at is null
    and former.deleted_at is null;
  planned_until constant timestamptz := least(former.planned_until, fresh.planned_until);
  -- Up to this number, students are named to a tutor and times and rooms to everyone; beyond it
  -- only their number is given.
  max_named constant integer := 3;
  change record;
  message_data jsonb;
  event_key text;
  one record;
begin
  with before as materialized (
    select b.*
    from jsonb_to_recordset(lessons) as b (
      id uuid,
      original_start timestamptz,
      starts_at timestamptz,
      ends_at timestamptz,
      centre_id uuid,
      tutor_id uuid,
      room text,
      status text
    )
  ), after as materialized (
    select o.id, o.original_start, o.starts_at, o.ends_at, o.centre_id, o.tutor_id, o.room, o.status
    from lms.occurrences as o
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.deleted_at is null
      and (o.starts_at > now() or o.id in (select b.id from before as b))
  ), other as materialized (
    -- Lessons that are no longer planned, and those that are planned instead.
    select b.id, true as is_gone, b.original_start at time zone zone as at
    from before as b
    where not exists (select from after as a where a.id = b.id)
    union all
    select a.id, false, a.original_start at time zone zone
    from after as a
    where not exists (select from before as b where b.id = a.id)
  ), weeks as (
    -- A week may begin on any day.
    select
      d.day,
      o.id,
      o.is_gone,
      o.at,
      w.week,
      row_number() over (partition by d.day, o.is_gone, w.week order by o.at, o.id) as place
    from other as o
    cross join generate_series(0, 6) as d (day)
    cross join lateral (select date_trunc('week', o.at - make_interval(days => d.day)) as week) as w
  ), week_pairs as materialized (
    select g.day, g.id as b_id, c.id as a_id, abs(extract(epoch from c.at - g.at)) as distance
    from weeks as g
    join weeks as c
      on c.day = g.day
      and c.week = g.week
      and c.place = g.place
      and not c.is_gone
    where g.is_gone
  ), first_day as materialized (
    -- The first day of the week is chosen so that a move from Sunday to Monday is one by a day, not
    -- by a week.
    select coalesce(
      (
        select p.day
        from week_pairs as p
        group by p.day
        order by avg(p.distance), p.day
        limit 1
      ),
      0
    ) as day
  ), matched as materialized (
    select p.b_id, p.a_id
    from week_pairs as p
    join first_day as f
      on f.day = p.day
  ), rest as (
    -- Lessons without a match in their week are paired in order. In the week in which an endless
    -- plan ends, the match may not be planned yet.
    select o.id, o.is_gone, row_number() over (partition by o.is_gone order by o.at, o.id) as place
    from other as o
    cross join first_day as f
    where not exists (select from matched as m where o.id in (m.b_id, m.a_id))
      and not (
        is_endless
        and date_trunc('week', o.at - make_interval(days => f.day))
          >= date_trunc('week', planned_until at time zone zone - make_interval(days => f.day))
      )
  ), pairs as (
    select
      coalesce(b.status = 'scheduled', false) as was_on,
      coalesce(a.status = 'scheduled', false) as is_on,
      b.starts_at as was_at,
      b.ends_at as was_until,
      b.centre_id as was_centre_id,
      b.tutor_id as was_tutor_id,
      b.room as was_room,
      a.starts_at,
      a.ends_at,
      a.centre_id,
      a.tutor_id,
      a.room
    from (
      select k.id as b_id, k.id as a_id
      from before as k
      join after as c
        on c.id = k.id
      union all
      select m.b_id, m.a_id
      from matched as m
      union all
      select g.id, c.id
      from (select r.id, r.place from rest as r where r.is_gone) as g
      full join (select r.id, r.place from rest as r where not r.is_gone) as c
        on c.place = g.place
    ) as p
    left join before as b
      on b.id = p.b_id
    left join after as a
      on a.id = p.a_id
  ), lessons as (
    select
      p.*,
      case
        when p.was_on and not p.is_on then 'cancelled'
        when p.was_on and p.starts_at <> p.was_at then 'moved'
        when p.was_on
          and (p.ends_at, p.centre_id, p.tutor_id, p.room)
            is distinct from (p.was_until, p.was_centre_id, p.was_tutor_id, p.was_room)
          then 'changed'
        when p.is_on
          and not p.was_on
          and may_add
          and p.starts_at > now()
          then 'added'
      end as what
    from pairs as p
  ), main as (
    select l.what
    from lessons as l
    where l.what is not null
    order by array_position(array['moved', 'changed', 'cancelled', 'added'], l.what)
    limit 1
  )
  select
    (select m.what from main as m) as what,
    count(*) filter (where l.is_main) as count,
    min(coalesce(l.was_at, l.starts_at)) filter (where l.is_main) as first_at,
    max(coalesce(l.was_at, l.starts_at)) filter (where l.is_main) as last_at,
    (array_agg(l.starts_at order by l.was_at, l.starts_at) filter (where l.is_main))[1] as starts_at,
    (array_agg(l.starts_at order by l.was_at desc, l.starts_at desc) filter (where l.is_main))[1] as last_starts_at,
    (array_agg(l.ends_at order by l.was_at, l.starts_at) filter (where l.is_main and l.has_other_length))[1] as until,
    (array_agg(l.was_until order by l.was_at, l.starts_at) filter (where l.is_main and l.has_other_length))[1] as was_until,
    array(
      select case r.what when 'cancelled' then r.was_room else r.room end
      from lessons as r
      where r.what = (select m.what from main as m)
        and case r.what when 'cancelled' then r.was_room else r.room end is not null
      group by 1
      order by min(coalesce(r.starts_at, r.was_at))
    ) as rooms,
    array(
      select r.was_room
      from lessons as r
      where r.what = (select m.what from main as m)
        and r.was_room <> coalesce(r.room, '')
      group by r.was_room
      order by min(r.was_at)
    ) as was_rooms,
    array(
      select lms_private.format_local_time(f.was_at, zone)
      from lessons as f
      where f.what = 'cancelled'
      order by f.was_at
    ) as fewer,
    array(
      select lms_private.format_local_time(f.starts_at, zone)
      from lessons as f
      where f.what = 'added'
      order by f.starts_at
    ) as more,
    min(l.was_at) filter (where l.was_on) as first_before,
    min(l.starts_at) filter (where l.is_on and l.starts_at > now()) as first_after
  into change
  from (
    select
      l.*,
      coalesce(l.what = (select m.what from main as m), false) as is_main,
      coalesce(l.ends_at - l.starts_at <> l.was_until - l.was_at, false) as has_other_length
    from lessons as l
  ) as l;
  if change.what is null and fresh.student_ids = former.student_ids then
    return;
  end if;

  select jsonb_strip_nulls(jsonb_build_object(
    'lesson', coalesce(fresh.subject, t.name),
    'subject', fresh.subject,
    'tutor', t.name,
    'was_tutor', w.name,
    'centre', c.name,
    -- Lessons in several rooms list the rooms.
    'room', case
      when change.what is null then fresh.room
      else nullif(
        array_to_string((change.rooms)[:max_named], ', ') || case when cardinality(change.rooms) > max_named then ' …' else '' end,
        ''
      )
    end,
    'was_room', nullif(
      array_to_string((change.was_rooms)[:max_named], ', ') || case when cardinality(change.was_rooms) > max_named then ' …' else '' end,
      ''
    ),
    'count', change.count,
    'first_at', lms_private.format_local_time(change.first_at, zone),
    'was_at', lms_private.format_local_time(change.first_at, zone),
    'starts_at', lms_private.format_local_time(case when change.what = 'moved' then change.starts_at else change.first_at end, zone),
    'was_last_at', lms_private.format_local_time(change.last_at, zone),
    'last_at', lms_private.format_local_time(case when change.what = 'moved' then change.last_starts_at else change.last_at end, zone),
    'until', lms_private.format_local_time(change.until, zone),
    'was_until', lms_private.format_local_time(change.was_until, zone)
  ))
  -- The main change is not repeated.
  || case when change.what = 'cancelled' then '{}' else lms_private.list_or_count('fewer', change.fewer, max_named) end
  || case when change.what = 'added' then '{}' else lms_private.list_or_count('more', change.more, max_named) end
  into message_data
  from lms.tutors as t
  join lms.centres as c
    on c.tenant_id = t.tenant_id
    and c.id = fresh.centre_id
  left join lms.tutors as w
    on w.tenant_id = t.tenant_id
    and w.id = former.tutor_id
    and w.id <> fresh.tutor_id
  where t.tenant_id = fresh.tenant_id
    and t.id = fresh.tutor_id;

  for one in
    with learners as materialized (
      select
        s.id,
        s.user_id,
        u.name,
        s.deleted_at is null as is_there,
        former.student_ids ? s.id::text as was_in,
        fresh.student_ids ? s.id::text as is_in
      from lms.students as s
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
      where s.tenant_id = fresh.tenant_id
        and s.id in (select i.id::uuid from jsonb_array_elements_text(former.student_ids || fresh.student_ids) as i (id))
    ), told as (
      -- Students are told about their own lessons, parents about those of their children; tutors
      -- get the names of the students if there are few.
      select l.user_id, l.name, l.was_in, l.is_in, true as is_self, false as is_tutor
      from learners as l
      where l.is_there
      union all
      select g.user_id, l.name, l.was_in, l.is_in, false, false
      from learners as l
      join lms.guardians as g
        on g.tenant_id = fresh.tenant_id
        and g.student_id = l.id
        and g.deleted_at is null
      where l.is_there
      union all
      select t.user_id, l.name, l.was_in, l.is_in, false, true
      from lms.tutors as t
      left join learners as l
        on true
      where t.tenant_id = fresh.tenant_id
        and t.id in (former.tutor_id, fresh.tutor_id)
        and t.deleted_at is null
    )
    select
      t.user_id,
      bool_or(t.is_tutor or t.was_in and t.is_in) as is_of_lessons,
      bool_or(t.is_tutor) as is_tutor,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.was_in
          and s.is_in
          and not s.is_self
        order by s.name
      ) as students,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.is_in
          and not s.was_in
          and change.first_after is not null
        order by s.name
      ) as joined,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.was_in
          and not s.is_in
          and change.first_before is not null
        order by s.name
      ) as gone
    from told as t
    where t.user_id is distinct from actor
    group by t.user_id
    order by t.user_id
  loop
    if change.what is not null and one.is_of_lessons then
      event_key := case when change.count > 1 then 'lessons_' else 'lesson_' end || change.what;
    elsif one.joined <> '{}' or one.gone <> '{}' then
      event_key := 'class_students_changed';
    else
      continue;
    end if;
    -- Only the placeholders of the event are passed on.
    perform lms_private.notify(
      fresh.tenant_id,
      one.user_id,
      event_key,
      (
        select jsonb_object_agg(v.name, v.value)
        from jsonb_each(jsonb_strip_nulls(
          message_data
          || jsonb_build_object(
            'students', case
              when one.students <> '{}' and not (one.is_tutor and cardinality(one.students) > max_named) then to_jsonb(one.students)
            end
          )
          || lms_private.list_or_count('joined', one.joined, case when one.is_tutor then max_named else 200 end)
          || lms_private.list_or_count('left', one.gone, case when one.is_tutor then max_named else 200 end)
          || case event_key
            when 'class_students_changed' then jsonb_build_object(
              'first_at', lms_private.format_local_time(
                least(
                  case when one.joined <> '{}' then change.first_after end,
                  case when one.gone <> '{}' then change.first_before end
                ),
                zone
              ),
              'room', fresh.room
            )
            else '{}'
          end
        )) as v (name, value)
        join lms_private.notification_events as e
          on e.key = event_key
          and v.name = any (e.placeholders)
      )
    );
  end loop;
end
$$;

comment on function lms_private.notify_class_change is
  'Notifies students, guardians and tutors, including former ones, of the effect of a changed class on its future lessons and students: each person once, except for the user who made the change. Lessons are compared with those that capture_lessons stored.';

alter function lms_private.notify_class_change owner to lms_definer;
