-- calendar.list
select
  json_build_object(
    'data', coalesce(json_agg(f.entry order by f.starts_at, f.id) filter (where f.row_number <= 1000), '[]'::json),
    'is_truncated', count(*) > 1000,
    'planned_until', (
      select lms.utc(min(c.planned_until))
      from lms.classes as c
      where c.planned_until is not null
        and c.status = 'scheduled'
        and c.deleted_at is null
        and ($1->>'tutor_id' is null or c.tutor_id = ($1->>'tutor_id')::uuid)
        and ($1->>'centre_id' is null or c.centre_id = ($1->>'centre_id')::uuid)
        and ($1->>'student_id' is null or c.student_ids ? ($1->>'student_id'))
    )
  )::text as body,
  null::text as tag
from (
  select
    o.starts_at,
    o.id,
    row_number() over (order by o.starts_at, o.id) as row_number,
    json_build_object(
      'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason,
      'student_id', o.student_id,
      'attendance', o.attendance,
      'subject', c.subject,
      'level', c.level,
      'meeting_provider', c.meeting_provider,
      'meeting_url', c.meeting_url
    ) as entry
  from (
    select o.*, a.student_id, a.status as attendance
    from lms.attendances as a
    join lms.occurrences as o
      on o.id = a.occurrence_id
    where a.student_id = any ((
        select case
          when $1->>'student_id' is null then lms.caller_students()
          else array[($1->>'student_id')::uuid]
        end
      )::uuid[])
      and a.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and a.starts_at < ($1->>'to')::timestamptz
      and a.deleted_at is null
      and o.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and o.starts_at < ($1->>'to')::timestamptz
      and o.ends_at > ($1->>'from')::timestamptz
      and o.deleted_at is null
      and ($1->>'tutor_id' is null or o.tutor_id = ($1->>'tutor_id')::uuid)
      and ($1->>'centre_id' is null or o.centre_id = ($1->>'centre_id')::uuid)
    order by o.starts_at, o.id
    limit 1001
  ) as o
  left join lms.classes as c
    on c.id = o.class_id
) as f;

-- calendar.list
select
  json_build_object(
    'data', coalesce(json_agg(f.entry order by f.starts_at, f.id) filter (where f.row_number <= 1000), '[]'::json),
    'is_truncated', count(*) > 1000,
    'planned_until', (
      select lms.utc(min(c.planned_until))
      from lms.classes as c
      where c.planned_until is not null
        and c.status = 'scheduled'
        and c.deleted_at is null
        and ($1->>'tutor_id' is null or c.tutor_id = ($1->>'tutor_id')::uuid)
        and ($1->>'centre_id' is null or c.centre_id = ($1->>'centre_id')::uuid)
        and ($1->>'student_id' is null or c.student_ids ? ($1->>'student_id'))
    )
  )::text as body,
  null::text as tag
from (
  select
    o.starts_at,
    o.id,
    row_number() over (order by o.starts_at, o.id) as row_number,
    json_build_object(
      'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason,
      'student_id', null,
      'attendance', null,
      'subject', c.subject,
      'level', c.level,
      'meeting_provider', c.meeting_provider,
      'meeting_url', c.meeting_url
    ) as entry
  from (
    select o.*
    from lms.occurrences as o
    where o.tutor_id = (select coalesce(($1->>'tutor_id')::uuid, lms.caller_tutor()))
      and o.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and o.starts_at < ($1->>'to')::timestamptz
      and o.ends_at > ($1->>'from')::timestamptz
      and o.deleted_at is null
      and ($1->>'tutor_id' is null or o.tutor_id = ($1->>'tutor_id')::uuid)
      and ($1->>'centre_id' is null or o.centre_id = ($1->>'centre_id')::uuid)
    order by o.starts_at, o.id
    limit 1001
  ) as o
  left join lms.classes as c
    on c.id = o.class_id
) as f;

-- calendar.list
select
  json_build_object(
    'data', coalesce(json_agg(f.entry order by f.starts_at, f.id) filter (where f.row_number <= 1000), '[]'::json),
    'is_truncated', count(*) > 1000,
    'planned_until', (
      select lms.utc(min(c.planned_until))
      from lms.classes as c
      where c.planned_until is not null
        and c.status = 'scheduled'
        and c.deleted_at is null
        and ($1->>'tutor_id' is null or c.tutor_id = ($1->>'tutor_id')::uuid)
        and ($1->>'centre_id' is null or c.centre_id = ($1->>'centre_id')::uuid)
        and ($1->>'student_id' is null or c.student_ids ? ($1->>'student_id'))
    )
  )::text as body,
  null::text as tag
from (
  select
    o.starts_at,
    o.id,
    row_number() over (order by o.starts_at, o.id) as row_number,
    json_build_object(
      'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason,
      'student_id', null,
      'attendance', null,
      'subject', c.subject,
      'level', c.level,
      'meeting_provider', c.meeting_provider,
      'meeting_url', c.meeting_url
    ) as entry
  from (
    select o.*
    from lms.occurrences as o
    where o.centre_id = (
        select coalesce(($1->>'centre_id')::uuid, current_setting('app.centre_id')::uuid)
      )
      and o.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and o.starts_at < ($1->>'to')::timestamptz
      and o.ends_at > ($1->>'from')::timestamptz
      and o.deleted_at is null
      and ($1->>'tutor_id' is null or o.tutor_id = ($1->>'tutor_id')::uuid)
      and ($1->>'centre_id' is null or o.centre_id = ($1->>'centre_id')::uuid)
    order by o.starts_at, o.id
    limit 1001
  ) as o
  left join lms.classes as c
    on c.id = o.class_id
) as f;

-- calendar.list
select
  json_build_object(
    'data', coalesce(json_agg(f.entry order by f.starts_at, f.id) filter (where f.row_number <= 1000), '[]'::json),
    'is_truncated', count(*) > 1000,
    'planned_until', (
      select lms.utc(min(c.planned_until))
      from lms.classes as c
      where c.planned_until is not null
        and c.status = 'scheduled'
        and c.deleted_at is null
        and ($1->>'tutor_id' is null or c.tutor_id = ($1->>'tutor_id')::uuid)
        and ($1->>'centre_id' is null or c.centre_id = ($1->>'centre_id')::uuid)
        and ($1->>'student_id' is null or c.student_ids ? ($1->>'student_id'))
    )
  )::text as body,
  null::text as tag
from (
  select
    o.starts_at,
    o.id,
    row_number() over (order by o.starts_at, o.id) as row_number,
    json_build_object(
      'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason,
      'student_id', null,
      'attendance', null,
      'subject', c.subject,
      'level', c.level,
      'meeting_provider', c.meeting_provider,
      'meeting_url', c.meeting_url
    ) as entry
  from (
    select o.*
    from lms.occurrences as o
    where true
      and o.starts_at > ($1->>'from')::timestamptz - interval '25 hours'
      and o.starts_at < ($1->>'to')::timestamptz
      and o.ends_at > ($1->>'from')::timestamptz
      and o.deleted_at is null
      and ($1->>'tutor_id' is null or o.tutor_id = ($1->>'tutor_id')::uuid)
      and ($1->>'centre_id' is null or o.centre_id = ($1->>'centre_id')::uuid)
    order by o.starts_at, o.id
    limit 1001
  ) as o
  left join lms.classes as c
    on c.id = o.class_id
) as f;

