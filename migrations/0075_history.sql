-- What follows from attendance: a student's last five lessons, and badges for coming without a break.
set local role lms_owner;

create function lms_private.follow_attendance() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Students of whom a record was made, changed or taken away: {"tenant_id", "student_id"}.
  touched jsonb;
  one record;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
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
            'start', lms.utc(a.starts_at),
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
        jsonb_build_object('student_id', t.student_id, 'count', lms_private.attendance_streak(t.tenant_id, t.student_id))
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

comment on function lms_private.follow_attendance is
  'Keeps students.history at the last five lessons with a record, and awards badges for streaks.';

create function lms_private.attendance_streak(tenant uuid, student uuid) returns bigint
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

comment on function lms_private.attendance_streak is
  'Lessons that a student came to since the last absence. An excused one neither counts nor breaks the streak.';

alter function lms_private.follow_attendance owner to lms_definer;

-- Named as in 0072: in the log the cause comes first.
create trigger then_follow_attendance_insert
after insert on lms.attendances
referencing new table as new_rows
for each statement execute function lms_private.follow_attendance();

create trigger then_follow_attendance_update
after update on lms.attendances
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.follow_attendance();

comment on column lms.students.history is
  'The last five lessons with a record of attendance, {"class_id", "start", "status", "note"}, the latest first; kept by trigger.';

grant update (history) on lms.students to lms_definer;
grant execute on function lms_private.attendance_streak to lms_application, lms_definer;
