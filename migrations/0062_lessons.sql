-- What follows from a class: its enrolments, its occurrences and who comes to them. Triggers keep them, so that they follow
-- whoever writes the class. They run with the caller's rights: row scope holds, and constraints look past it anyhow.
set local role lms_owner;

create function lms_private.may_become(former text, fresh text) returns boolean
language sql
immutable
strict
parallel safe
return (former, fresh) in (
  ('scheduled', 'completed'),
  ('scheduled', 'cancelled')
);

comment on function lms_private.may_become is 'The one table of status moves, of classes and of occurrences.';

create function lms_private.check_status() returns trigger
language plpgsql
as $$
begin
  if new.status <> old.status and not lms_private.may_become(old.status, new.status) then
    raise exception using
      errcode = 'LM409',
      message = format('What is %s can''t become %s.', old.status, new.status),
      column = 'status';
  end if;
  return new;
end
$$;

comment on function lms_private.check_status is 'LM409 for a move that lms_private.may_become does not know.';

create function lms_private.is_taught(tenant uuid, tutor uuid, subject text, level text) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from lms.tutors as t
    cross join jsonb_array_elements(t.subjects) as taught
    where t.tenant_id = is_taught.tenant
      and t.id = is_taught.tutor
      and lower(taught ->> 'subject') = lower(is_taught.subject)
      and (is_taught.level is null or taught ->> 'level' is null or lower(taught ->> 'level') = lower(is_taught.level))
  );
end
$$;

create function lms_private.are_of_centre(tenant uuid, centre uuid, students jsonb) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
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

comment on function lms_private.is_taught is
  'Whether the tutor teaches the subject at the level; a subject without a level is taught at all of them.';
comment on function lms_private.are_of_centre is 'Whether all of these are live students of the centre.';

alter function lms_private.is_taught owner to lms_definer;
alter function lms_private.are_of_centre owner to lms_definer;

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
        message = format('This class is %s: who meets when and where is settled.', old.status),
        column = 'status';
    end if;
    if new.centre_id = old.centre_id then
      added := added - array(select jsonb_array_elements_text(old.student_ids));
    end if;
  end if;
  if added <> '[]' and not lms_private.are_of_centre(new.tenant_id, new.centre_id, added) then
    raise exception using
      errcode = 'LM422',
      message = 'Each of them must be a student of the class''s centre.',
      column = 'student_ids';
  end if;
  new.warnings := case
    when new.subject is null or lms_private.is_taught(new.tenant_id, new.tutor_id, new.subject, new.level) then '[]'
    else '["tutor_without_subject"]'
  end;
  return new;
end
$$;

comment on function lms_private.check_class is
  'Students of other centres are refused, a tutor who does not teach the subject gets a warning, and what is over is not planned anew.';

create function lms_private.spans(planned jsonb) returns table (starts_at timestamptz, ends_at timestamptz)
language sql
immutable
strict
parallel safe
rows 26
begin atomic
  select (span ->> 0)::timestamptz, (span ->> 1)::timestamptz
  from jsonb_array_elements(planned) as span;
end;

comment on function lms_private.spans is 'classes.planned as rows. The times in it are written in UTC, so that no setting has a say.';

create function lms_private.refuse_clash(violated text, classes lms.classes[], moved uuid default null) returns void
language plpgsql
as $$
#variable_conflict use_variable
declare
  what constant text := case violated
    when 'occurrences_tutor_id_excl' then 'tutor_id'
    when 'occurrences_room_excl' then 'room'
    when 'attendances_student_id_excl' then 'student_ids'
  end;
  who constant text := case what when 'tutor_id' then 'The tutor' when 'room' then 'The room' else 'A student' end;
  clash record;
begin
  if what is null then
    raise exception using errcode = '23P01', message = 'Something overlaps.', constraint = violated;
  end if;
  -- What the classes are after, and what they have; of the lessons there, those that the caller may see. Of a class's own
  -- lessons those don't count that make room for its new ones.
  select t.class_id, t.starts_at, t.ends_at, t.student_id
  into clash
  from unnest(classes) as c
  cross join lateral (
    select s.starts_at, s.ends_at, moved as id, c.room
    from lms_private.spans(c.planned) as s
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
    where what = 'tutor_id'
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
    where what = 'room'
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
    where what = 'student_ids'
      and a.tenant_id = c.tenant_id
      and a.student_id in (select one.id::uuid from jsonb_array_elements_text(c.student_ids) as one (id))
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
  if not found then
    raise exception using errcode = 'LM409', message = format('%s is taken at this time.', who), column = what;
  end if;
  raise exception using
    errcode = 'LM409',
    message = format(
      '%s is taken from %s to %s by the class %s.',
      who || coalesce(' (' || clash.student_id || ')', ''),
      to_char(clash.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      to_char(clash.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      clash.class_id
    ),
    column = what;
end
$$;

comment on function lms_private.refuse_clash is
  'LM409 for classes whose lessons, or for the one of them that is moved, would violate an exclusion constraint. It names the lesson in the way if the caller may see it.';

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
  cross join lms_private.spans(c.planned) as s;
  return null;
exception
  when exclusion_violation then
    get stacked diagnostics violated = constraint_name;
    perform lms_private.refuse_clash(violated, array(select row(c.*)::lms.classes from new_rows as c));
    return null;
end
$$;

comment on function lms_private.plan_classes is 'Makes the enrolments and occurrences of new classes.';

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
    -- Those that went with the class, and none that had gone before.
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

  -- First whatever makes room, then what moves, then what is new.
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
      and not exists (select from lms_private.spans(fresh.planned) as s where s.starts_at = o.original_start);
  end if;
  -- A lesson that was moved elsewhere stays there, and one that was moved to another time keeps it.
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
    left join lms_private.spans(former.planned) as f
      on f.starts_at = l.original_start
    left join lms_private.spans(fresh.planned) as s
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
    -- What has begun stays as it was; only while nothing has, a plan may begin in the past.
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
    from lms_private.spans(fresh.planned) as s
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
  'Brings enrolments and occurrences in line with a changed class. What has begun stays as it was.';

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
          -- Of a class that comes back the lessons to look at are those that went with it.
          fresh.deleted_at := former.deleted_at;
        end if;
        perform lms_private.refuse_clash(violated, array[fresh]);
    end;
  end loop;
  return null;
end
$$;

comment on function lms_private.replan_classes is 'lms_private.replan for each class that was changed.';

create function lms_private.book_students() returns trigger
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

comment on function lms_private.book_students is 'Makes the attendances of new occurrences: one for each student of the class.';

create function lms_private.rebook_students() returns trigger
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

comment on function lms_private.rebook_students is 'Keeps the attendances of an occurrence at its time: moved, cancelled, deleted and restored with it.';

create trigger check_status
before update of status on lms.classes
for each row execute function lms_private.check_status();

create trigger check_status
before update of status on lms.occurrences
for each row execute function lms_private.check_status();

create trigger check_class
before insert or update on lms.classes
for each row execute function lms_private.check_class();

-- Their names begin so that they fire behind record_*: the log tells of the class first.
create trigger then_plan
after insert on lms.classes
referencing new table as new_rows
for each statement execute function lms_private.plan_classes();

create trigger then_replan
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.replan_classes();

create trigger then_book
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.book_students();

create trigger then_rebook
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.rebook_students();

grant execute on function
  lms_private.may_become,
  lms_private.is_taught,
  lms_private.are_of_centre,
  lms_private.spans,
  lms_private.refuse_clash,
  lms_private.replan
to lms_application;
