-- Consequences of assessments, points and attendance: academic ages, badges that a tenant's rules
-- award automatically, and a student's last five lessons.

create function lms_private.set_assessment_date() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  today date;
begin
  select lms.today_in(c.time_zone)
  into today
  from lms.students as s
  join lms.centres as c
    on c.tenant_id = s.tenant_id
    and c.id = s.centre_id
  where s.tenant_id = new.tenant_id
    and s.id = new.student_id;
  -- The foreign key, which is checked later, refuses a student who does not exist.
  today := coalesce(today, lms.today_in('UTC'));
  new.assessed_on := coalesce(new.assessed_on, today);
  if new.assessed_on > today
    and (tg_op = 'INSERT' or new.assessed_on is distinct from old.assessed_on)
    -- Rows that are copied or replayed keep their date.
    and current_setting('app.role', true) <> ''
  then
    raise exception using
      errcode = 'LM422', message = 'Must not be in the future.', column = 'assessed_on', detail = new.id::text;
  end if;
  return new;
end
$$;

comment on function lms_private.set_assessment_date is
  'The default date of an assessment is the current date in the time zone of the student''s centre. LM422 for a date in the future there.';

alter function lms_private.set_assessment_date owner to lms_definer;

create function lms_private.update_academic_age() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Types of a student whose academic age may have changed: {"tenant_id", "student_id", "type"}.
  touched jsonb;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id, 'type', n.type))
    into touched
    from new_rows as n
    where n.academic_age is not null
      and n.deleted_at is null;
  else
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id, 'type', n.type))
    into touched
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where (n.academic_age, n.assessed_on, n.deleted_at) is distinct from (o.academic_age, o.assessed_on, o.deleted_at)
      and (n.academic_age is not null or o.academic_age is not null);
  end if;
  if touched is null then
    return null;
  end if;

  update lms.students as s
  set academic_age = latest.academic_age
  from (
    select
      s.tenant_id,
      s.id,
      s.academic_age - array_agg(t.type)
        || coalesce(jsonb_object_agg(t.type, a.academic_age) filter (where a.academic_age is not null), '{}')
        as academic_age
    from jsonb_to_recordset(touched) as t (tenant_id uuid, student_id uuid, type text)
    join lms.students as s
      on s.tenant_id = t.tenant_id
      and s.id = t.student_id
    left join lateral (
      select a.academic_age
      from lms.assessments as a
      where a.tenant_id = t.tenant_id
        and a.student_id = t.student_id
        and a.type = t.type
        and a.academic_age is not null
        and a.deleted_at is null
      order by a.assessed_on desc, a.created_at desc, a.id desc
      limit 1
    ) as a
      on true
    group by s.tenant_id, s.id
  ) as latest
  where s.tenant_id = latest.tenant_id
    and s.id = latest.id
    and s.academic_age <> latest.academic_age;
  return null;
end
$$;

comment on function lms_private.update_academic_age is
  'Sets a student''s academic age of a type to that of the latest live assessment that found one, and removes it when there is none left.';

alter function lms_private.update_academic_age owner to lms_definer;

create function lms_private.award_badges(tenant uuid, condition text, reached jsonb) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into lms.gamification (tenant_id, student_id, badge, by_rule, reason)
  select distinct
    tenant,
    (r.found ->> 'student_id')::uuid,
    b.rule ->> 'badge',
    true,
    format('%s: %s', condition, b.rule ->> 'count')
  from lms.tenants as t
  cross join jsonb_array_elements(
    case when jsonb_typeof(t.settings -> 'badges') = 'array' then t.settings -> 'badges' else '[]' end
  ) as b (rule)
  cross join jsonb_array_elements(reached) as r (found)
  where t.tenant_id = tenant
    and b.rule ->> 'when' = condition
    and (r.found ->> 'count')::bigint >= (b.rule ->> 'count')::bigint
  on conflict do nothing
$$;

comment on function lms_private.award_badges is
  'Awards the badges of a tenant''s rules for a condition, each once. reached is a list of {"student_id", "count"}.';

alter function lms_private.award_badges owner to lms_definer;

create function lms_private.award_for_points() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
begin
  for one in
    select
      s.tenant_id,
      jsonb_agg(jsonb_build_object('student_id', s.student_id, 'count', s.points)) as reached
    from (
      select g.tenant_id, g.student_id, sum(g.points) as points
      from lms.gamification as g
      where (g.tenant_id, g.student_id) in (
          select n.tenant_id, n.student_id
          from new_rows as n
          join lms.tenants as t
            on t.tenant_id = n.tenant_id
          where n.points > 0
            and t.settings -> 'badges' @> '[{"when": "points_reached"}]'
        )
        and g.deleted_at is null
      group by g.tenant_id, g.student_id
    ) as s
    group by s.tenant_id
  loop
    perform lms_private.award_badges(one.tenant_id, 'points_reached', one.reached);
  end loop;
  return null;
end
$$;

comment on function lms_private.award_for_points is 'Awards badges for points reached.';

alter function lms_private.award_for_points owner to lms_definer;

create function lms_private.apply_attendance() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Students whose attendance was recorded, changed or removed: {"tenant_id", "student_id"}.
  touched jsonb;
  one record;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id))
    into touched
    from new_rows as n
    where n.status is not null;
  else
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id))
    into touched
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where coalesce(n.status, o.status) is not null
      and (n.status, n.note, n.starts_at, n.is_booked, n.deleted_at)
        is distinct from (o.status, o.note, o.starts_at, o.is_booked, o.deleted_at);
  end if;
  if touched is null then
    return null;
  end if;

  update lms.students as s
  set history = latest.history
  from (
    select
      t.tenant_id,
      t.student_id,
      coalesce(
        jsonb_agg(
          jsonb_build_object(
            'class_id', a.class_id,
            'starts_at', lms.utc(a.starts_at),
            'status', a.status,
            'note', a.note
          )
          order by a.starts_at desc, a.id desc
        ) filter (where a.id is not null),
        '[]'
      ) as history
    from jsonb_to_recordset(touched) as t (tenant_id uuid, student_id uuid)
    left join lateral (
      select a.id, a.class_id, a.starts_at, a.status, a.note
      from lms.attendances as a
      where a.tenant_id = t.tenant_id
        and a.student_id = t.student_id
        and a.status is not null
        and a.is_booked
        and a.deleted_at is null
      order by a.starts_at desc, a.id desc
      limit 5
    ) as a
      on true
    group by t.tenant_id, t.student_id
  ) as latest
  where s.tenant_id = latest.tenant_id
    and s.id = latest.student_id
    and s.history <> latest.history;

  for one in
    select
      t.tenant_id,
      jsonb_agg(
        jsonb_build_object('student_id', t.student_id, 'count', lms.attendance_streak(t.tenant_id, t.student_id))
      ) as reached
    from jsonb_to_recordset(touched) as t (tenant_id uuid, student_id uuid)
    join lms.tenants as o
      on o.tenant_id = t.tenant_id
    where o.settings -> 'badges' @> '[{"when": "attendance_streak"}]'
    group by t.tenant_id
  loop
    perform lms_private.award_badges(one.tenant_id, 'attendance_streak', one.reached);
  end loop;
  return null;
end
$$;

comment on function lms_private.apply_attendance is
  'Maintains students.history, the last five lessons with recorded attendance, and awards badges for streaks.';

alter function lms_private.apply_attendance owner to lms_definer;

create function lms.attendance_streak(tenant uuid, student uuid) returns bigint
language sql
stable
parallel safe
return (
  select count(*)
  from lms.attendances as a
  where a.tenant_id = tenant
    and a.student_id = student
    and a.status in ('present', 'late')
    and a.is_booked
    and a.deleted_at is null
    and a.starts_at > coalesce(
      (
        select max(b.starts_at)
        from lms.attendances as b
        where b.tenant_id = tenant
          and b.student_id = student
          and b.status = 'absent'
          and b.is_booked
          and b.deleted_at is null
      ),
      '-infinity'
    )
);

comment on function lms.attendance_streak is
  'Number of lessons that a student attended since the last absence. Excused lessons are ignored.';

grant execute on function lms.attendance_streak to lms_application, lms_definer;
