-- As 0283: the attendances that a class's students have at the time are looked up by student, not among all of the tenant's.
set local role lms_owner;

create or replace function lms_private.refuse_clash(violated text, classes lms.classes[], moved uuid default null) returns void
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
  -- The hours that the classes are after, and those that they have; of the lessons there, those that the caller may see. Of a class's own
  -- lessons those don't count that make room for its new ones.
  select c.id, t.class_id, t.starts_at, t.ends_at, t.student_id
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
    -- Nothing that is there: then perhaps two of these.
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
      cross join lms_private.spans(c.planned) as s
      cross join lateral (
        select c.tutor_id::text
        where what = 'tutor_id'
        union all
        select c.centre_id || lower(c.room)
        where what = 'room'
          and c.room is not null
        union all
        select one.id
        from jsonb_array_elements_text(c.student_ids) as one (id)
        where what = 'student_ids'
      ) as k (key)
    ) as w
    where w.taken_until > w.starts_at
    order by w.starts_at
    limit 1;
    if found then
      raise exception using
        errcode = 'LM409',
        message = format(
          '%s is taken by two of these classes from %s on.',
          who,
          to_char(clash.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        ),
        detail = clash.id,
        column = what;
    end if;
  end if;
  if clash is null then
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
    detail = clash.id,
    column = what;
end
$$;
