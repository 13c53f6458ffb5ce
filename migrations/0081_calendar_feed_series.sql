-- What a calendar program reads: classes as series, and what departs from their rules.
set local role lms_owner;

-- Security invoker: row scope decides whose classes these are. The sequence counts seconds besides versions, because a class
-- whose occurrences change does not change itself; replaced occurrences take their versions with them, time goes on.
create function lms.calendar_feed_series() returns json
language plpgsql
volatile
as $$
declare
  most constant integer := 1000;
  past constant interval := interval '90 days';
  children constant uuid[] := case current_setting('app.role')
    when 'parent' then lms.caller_students()
    else '{}'
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
          'goes_on', c.status = 'scheduled',
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
              and c.student_ids ? s.id::text
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
          - (c.schedule ->> 'start')::timestamp at time zone (c.schedule ->> 'time_zone') as duration
      from lms.classes as c
      where c.deleted_at is null
        and exists (
          select from lms.occurrences as o
          where o.class_id = c.id
            and o.deleted_at is null
            and o.ends_at > now() - past
        )
      order by c.id desc
      limit most
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
    ) as o
  );
end
$$;

comment on function lms.calendar_feed_series is
  'The caller''s classes for a calendar, at most 1000, those made last, without those that ended more than 90 days ago: each with its schedule and its occurrences that are cancelled, moved or not of its rule.';

grant execute on function lms.calendar_feed_series to lms_application;
