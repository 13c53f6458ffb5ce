with candidates as materialized (
  select
    r.id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.max_students - r.current_students as places
  from lms.tutors as r
  where r.deleted_at is null
    and r.left_at is null
    and not exists (select from lms.centres as c where c.id = r.centre_id and c.left_at is not null)
    and ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
    and r.max_students - r.current_students >= coalesce(($1->>'places')::integer, 0)
    and (
      coalesce($1->>'subject', $1->>'level') is null
      or exists (
        select from jsonb_to_recordset(r.subjects) as s (subject text, level text)
        where ($1->>'subject' is null or lower(s.subject) = lower($1->>'subject'))
          and ($1->>'level' is null or s.level is null or lower(s.level) = lower($1->>'level'))
      )
    )
), slots as materialized (
  select
    f.tutor_id,
    array(
      select u.slot
      from unnest(f.free) as u (slot)
      where upper(u.slot) - lower(u.slot) >= make_interval(mins => ($1->>'minutes')::integer)
      limit 5
    ) as slots
  from lms.free_times(
    case when $1->>'from' is null then '{}'::uuid[] else array(select c.id from candidates as c) end,
    ($1->>'from')::timestamptz,
    ($1->>'to')::timestamptz
  ) as f
)
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.position), '[]'),
    'planned_until', lms.utc(min(page.planned_until))
  )::text as body,
  null::text as tag
from (
  select
    row_number() over (order by c.places desc, c.name, c.id) as position,
    p.planned_until,
    json_build_object(
      'id', c.id,
      'name', c.name,
      'centre_id', c.centre_id,
      'subjects', c.subjects,
      'max_students', c.max_students,
      'current_students', c.current_students,
      'places', c.places,
      'slots', (
        select coalesce(
          json_agg(json_build_object('start', lms.utc(lower(u.slot)), 'end', lms.utc(upper(u.slot))) order by u.slot),
          '[]'
        )
        from unnest(s.slots) as u (slot)
      ),
      'planned_until', lms.utc(p.planned_until)
    ) as item
  from candidates as c
  left join slots as s
    on s.tutor_id = c.id
  left join lms.tutors_planned_until(array(select c.id from candidates as c)) as p
    on p.tutor_id = c.id
  where $1->>'from' is null
    or cardinality(s.slots) > 0
  order by c.places desc, c.name, c.id
  limit coalesce(($1->>'limit')::integer, 50)
) as page
