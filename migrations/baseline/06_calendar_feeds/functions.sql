-- The content of a calendar feed: classes as series, and lessons that differ from their rules. A
-- calendar contains the lessons that its user gives, gave or attended, including those of a class
-- that has another tutor now or that the student has left.

create function lms.enter_calendar_feed(token_hash bytea) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  nil_id constant text := '00000000-0000-0000-0000-000000000000';
  reader record;
begin
  select f.tenant_id, u.id, u.role, u.centre_id
  into reader
  from lms.calendar_feeds as f
  join lms.users as u
    on u.tenant_id = f.tenant_id
    and u.id = f.user_id
  join lms.tenants as t
    on t.tenant_id = f.tenant_id
  where f.token_hash = token_hash
    and f.deleted_at is null
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return false;
  end if;
  perform lms_private.check_tenant_location(reader.tenant_id);
  perform
    set_config('app.tenant_id', reader.tenant_id::text, true),
    set_config('app.user_id', reader.id::text, true),
    set_config('app.role', reader.role, true),
    set_config('app.centre_id', coalesce(reader.centre_id::text, nil_id), true);
  return true;
end
$$;

comment on function lms.enter_calendar_feed is
  'True for the hash of a live address whose user and tenant are active. From then on the transaction has the context of that user.';

alter function lms.enter_calendar_feed owner to lms_definer;
grant execute on function lms.enter_calendar_feed to lms_application;

-- Tutors and students get their own lessons of a class only, including those of classes outside row
-- scope. The planned end of a series is included.
create function lms.calendar_feed_series() returns json
language plpgsql
volatile
as $$
declare
  max_count constant integer := 1000;
  past constant interval := interval '90 days';
  scope constant text := current_setting('app.role');
  own_tutor constant uuid := case when scope = 'tutor' then lms.caller_tutor() end;
  children constant uuid[] := case
    when scope = 'parent' then lms.caller_students()
    when scope = 'student' then '{}'
    else array(
      select g.student_id
      from lms.guardians as g
      where g.user_id = current_setting('app.user_id')::uuid
        and g.deleted_at is null
    )
  end;
begin
  return (
    select coalesce(
      json_agg(
        json_build_object(
          'id', c.id,
          'sequence', c.version + floor(extract(epoch from greatest(c.updated_at, o.changed_at) - c.created_at))::bigint,
          'changed_at', lms.utc(greatest(c.updated_at, o.changed_at)),
          'schedule', c.schedule,
          'goes_on', c.goes_on,
          'planned_until', case when c.goes_on then lms.utc(c.planned_until) end,
          'last', lms.utc(o.last),
          'subject', c.subject,
          'level', c.level,
          'centre', (
            select e.name
            from lms.centres as e
            where e.id = c.centre_id
          ),
          'room', c.room,
          'meeting_url', c.meeting_url,
          'children', to_json(array(
            select split_part(u.name, ' ', 1)
            from lms.students as s
            join lms.users as u
              on u.id = s.user_id
            where s.id = any (children)
              and case
                when c.is_current then c.student_ids ? s.id::text
                else exists (
                  select from lms.attendances as a
                  where a.class_id = c.id
                    and a.student_id = s.id
                    and a.deleted_at is null
                )
              end
            order by u.name
          )),
          'cancelled', to_json(array(
            select lms.utc(s.start)
            from (
              select unnest(o.cancelled)
              union all
              select unnest(c.planned_starts)
              except
              select unnest(o.taking_place)
            ) as s (start)
            where c.goes_on
              or s.start <= greatest(o.last, c.planned_starts[1])
            order by s.start
          )),
          'moved', coalesce(o.moved, '[]'::json),
          'added', to_json(array(
            select lms.utc(s.start)
            from (
              select unnest(o.taking_place)
              except
              select unnest(c.planned_starts)
            ) as s (start)
            order by s.start
          ))
        )
        order by c.id
      ),
      '[]'::json
    )
    from (
      select
        c.*,
        array(
          select (p.span ->> 0)::timestamptz
          from jsonb_array_elements(c.planned) as p (span)
        ) as planned_starts,
        (c.schedule ->> 'end')::timestamp at time zone (c.schedule ->> 'time_zone')
          - (c.schedule ->> 'start')::timestamp at time zone (c.schedule ->> 'time_zone') as duration,
        c.status = 'scheduled' and c.is_current as goes_on
      from (
        select c.*, true as is_current
        from lms.classes as c
        where c.deleted_at is null
          and (own_tutor is null or c.tutor_id = own_tutor or c.student_ids ?| children::text[])
          and exists (
            select from lms.occurrences as o
            where o.class_id = c.id
              and (own_tutor is null or o.tutor_id = own_tutor or c.student_ids ?| children::text[])
              and o.deleted_at is null
              and o.ends_at > now() - past
          )
        union all
        select c.*, false
        from lms_private.classes_of_caller_lessons(past) as c
        where not exists (
          select from lms.classes as r
          where r.id = c.id
            and r.deleted_at is null
            and (own_tutor is null or r.tutor_id = own_tutor or r.student_ids ?| children::text[])
        )
      ) as c
      order by c.id desc
      limit max_count
    ) as c
    cross join lateral (
      select
        max(o.updated_at) as changed_at,
        max(o.original_start) filter (where o.status <> 'cancelled') as last,
        array_agg(o.original_start) filter (where o.status <> 'cancelled') as taking_place,
        array_agg(o.original_start) filter (where o.status = 'cancelled') as cancelled,
        json_agg(
          json_build_object(
            'original_start', lms.utc(o.original_start),
            'starts_at', lms.utc(o.starts_at),
            'ends_at', lms.utc(o.ends_at),
            'room', o.room
          )
          order by o.original_start
        ) filter (
          where o.status <> 'cancelled'
            and (
              o.starts_at <> o.original_start
              or o.ends_at - o.starts_at <> c.duration
              or o.room is distinct from c.room
            )
        ) as moved
      from lms.occurrences as o
      where o.class_id = c.id
        and o.deleted_at is null
        and (
          own_tutor is null
          or o.tutor_id = own_tutor
          or children <> '{}' and exists (
            select from lms.attendances as a
            where a.occurrence_id = o.id
              and a.student_id = any (children)
              and a.deleted_at is null
          )
        )
    ) as o
  );
end
$$;

comment on function lms.calendar_feed_series is
  'The caller''s classes for a calendar, at most the 1000 newest, without those that ended more than 90 days ago: each with its schedule and the occurrences that are cancelled, moved or not part of its rule. Tutors and students get their own lessons of a class, and a class that is no longer theirs ends with the last of these.';

grant execute on function lms.calendar_feed_series to lms_application;

create function lms_private.classes_of_caller_lessons(past interval) returns setof lms.classes
language plpgsql
stable
security definer
rows 100
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  scope constant text := current_setting('app.role');
  tutor constant uuid := case when scope = 'tutor' then lms.caller_tutor() end;
  -- A tutor may have children who are students.
  family constant uuid[] := case
    when scope in ('student', 'parent') then lms.caller_students()
    else array(
      select g.student_id
      from lms.guardians as g
      where g.tenant_id = tenant
        and g.user_id = current_setting('app.user_id')::uuid
        and g.deleted_at is null
    )
  end;
begin
  return query
    select c.*
    from lms.classes as c
    where c.tenant_id = tenant
      and c.deleted_at is null
      and c.id in (
        select o.class_id
        from lms.occurrences as o
        where o.tenant_id = tenant
          and o.tutor_id = tutor
          and o.ends_at > now() - past
          and o.starts_at > now() - past - interval '25 hours'
          and o.deleted_at is null
        union
        select a.class_id
        from lms.attendances as a
        where a.tenant_id = tenant
          and a.student_id = any (family)
          and a.ends_at > now() - past
          and a.starts_at > now() - past - interval '25 hours'
          and a.deleted_at is null
      );
end
$$;

comment on function lms_private.classes_of_caller_lessons is
  'The live classes of lessons that the caller gives or attends, or did until so long ago, including those that are no longer in row scope.';

alter function lms_private.classes_of_caller_lessons owner to lms_definer;
grant execute on function lms_private.classes_of_caller_lessons to lms_application;
