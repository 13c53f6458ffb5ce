-- for supervisor
-- students.assign-tutor
with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_capacity(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- students.assign-tutor
with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_capacity(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- students.progress
with s as materialized (
  select r.id, r.academic_age, c.time_zone
  from lms.students as r
  join lms.centres as c
    on c.id = r.centre_id
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
),
months as materialized (
  select
    m.month::date as month,
    (m.month + interval '1 month')::date as next,
    m.month at time zone s.time_zone as starts_at,
    (m.month + interval '1 month') at time zone s.time_zone as ends_at
  from (
    select
      s.time_zone,
      coalesce(($1->>'to')::date, greatest(lms.today_in(s.time_zone), ($1->>'from')::date)) as last_day
    from s
  ) as s
  cross join lateral generate_series(
    date_trunc('month', coalesce(($1->>'from')::timestamp, s.last_day - interval '11 months')),
    date_trunc('month', s.last_day::timestamp),
    interval '1 month'
  ) as m (month)
),
ages as (
  select
    e.month,
    t.type,
    (
      select a.academic_age
      from lms.assessments as a
      where a.student_id = s.id
        and a.type = t.type
        and a.assessed_on < e.month
        and a.academic_age is not null
        and a.deleted_at is null
      order by a.assessed_on desc, a.created_at desc, a.id desc
      limit 1
    ) as age
  from s
  cross join (
    select m.next as month from months as m
    union all
    select min(m.month) from months as m
  ) as e
  cross join (values ('reading'), ('spelling'), ('numeracy')) as t (type)
),
gained as (
  select
    g.month,
    json_object_agg(g.type, g.age) as ages,
    json_object_agg(g.type, g.gain) as gains
  from (
    select a.month, a.type, a.age, a.age - lag(a.age) over (partition by a.type order by a.month) as gain
    from ages as a
  ) as g
  group by g.month
),
trend as (
  select json_object_agg(t.type, t.gain) as gains
  from (
    select
      t.type,
      (
        -- Months of a mean length; two assessments of one day have no trend.
        select round(
          (a.ages[array_upper(a.ages, 1)] - a.ages[1]) * 30.436875 / nullif(a.last_day - a.first_day, 0),
          4
        )
        from (
          select
            array_agg(a.academic_age order by a.assessed_on, a.created_at, a.id) as ages,
            min(a.assessed_on) as first_day,
            max(a.assessed_on) as last_day
          from lms.assessments as a
          where a.student_id = s.id
            and a.type = t.type
            and a.academic_age is not null
            and a.deleted_at is null
            and a.assessed_on >= (select min(m.month) from months as m)
            and a.assessed_on < (select max(m.next) from months as m)
        ) as a
      ) as gain
    from s
    cross join (values ('reading'), ('spelling'), ('numeracy')) as t (type)
  ) as t
),
lessons as (
  select
    m.month,
    count(*) filter (where a.status = 'present') as present,
    count(*) filter (where a.status = 'late') as late,
    count(*) filter (where a.status = 'absent') as absent,
    count(*) filter (where a.status = 'excused') as excused
  from s
  cross join months as m
  left join lms.attendances as a
    on a.student_id = s.id
    and a.starts_at >= m.starts_at
    and a.starts_at < m.ends_at
    and a.status is not null
    and a.is_booked
    and a.deleted_at is null
  group by m.month
),
earned as (
  select m.month, coalesce(sum(g.points), 0) as points
  from s
  cross join months as m
  left join lms.gamification as g
    on g.student_id = s.id
    and g.created_at >= m.starts_at
    and g.created_at < m.ends_at
    and g.deleted_at is null
  group by m.month
)
select
  json_build_object(
    'student_id', s.id,
    'academic_age', json_build_object(
      'reading', s.academic_age->'reading',
      'spelling', s.academic_age->'spelling',
      'numeracy', s.academic_age->'numeracy'
    ),
    'gain_per_month', (select t.gains from trend as t),
    'attendance', (
      select json_build_object(
        'present', sum(l.present),
        'late', sum(l.late),
        'absent', sum(l.absent),
        'excused', sum(l.excused)
      )
      from lessons as l
    ),
    'points', (select sum(e.points) from earned as e),
    'months', (
      select json_agg(
        json_build_object(
          'month', m.month,
          'academic_age', g.ages,
          'gain', g.gains,
          'attendance', json_build_object(
            'present', l.present,
            'late', l.late,
            'absent', l.absent,
            'excused', l.excused
          ),
          'points', e.points
        )
        order by m.month
      )
      from months as m
      join gained as g
        on g.month = m.next
      join lessons as l
        on l.month = m.month
      join earned as e
        on e.month = m.month
    )
  )::text as body,
  null::text as tag
from s;

-- tutors.free-slots
select
  json_build_object(
    'data', coalesce(
      json_agg(json_build_object('start', lms.utc(s.starts_at), 'end', lms.utc(s.ends_at)) order by s.starts_at)
        filter (where s.starts_at is not null),
      '[]'
    ),
    'planned_until', (select lms.utc(p.planned_until) from lms.tutors_planned_until(array[r.id]) as p)
  )::text as body,
  null::text as tag
from lms.tutors as r
left join lateral (
  select lower(u.slot) as starts_at, upper(u.slot) as ends_at
  from lms.free_times(array[r.id], ($1->>'from')::timestamptz, ($1->>'to')::timestamptz) as f
  cross join unnest(f.free) as u (slot)
  where upper(u.slot) - lower(u.slot) >= make_interval(mins => ($1->>'minutes')::integer)
    and r.left_at is null
) as s
  on true
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null
group by r.id;

-- tutors.search
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
) as page;

-- for tutor
-- classes.cancel
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'cancelled', $1->'input'->>'reason') as r
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.cancel
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'cancelled', $1->'input'->>'reason') as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.cancel
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'cancelled', $1->'input'->>'reason') as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor
-- classes.complete
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'completed', null) as r
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.complete
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'completed', null) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.complete
with r as (
  select r.*
  from lms.set_class_status(($1->>'id')::uuid, 'completed', null) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- classes.occurrences.list
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      'id', o.id,
      'class_id', o.class_id,
      'centre_id', o.centre_id,
      'tutor_id', o.tutor_id,
      'room', o.room,
      'original_start', lms.utc(o.original_start),
      'starts_at', lms.utc(o.starts_at),
      'ends_at', lms.utc(o.ends_at),
      'status', o.status,
      'reason', o.reason
    ) order by o.original_start) filter (where o.row_number <= 2000),
    '[]'::json
  ),
  'planned_until', lms.utc(case when c.status = 'scheduled' then c.planned_until end),
  'is_truncated', count(o.id) > 2000)::text as body,
  null::text as tag
from lms.classes as c
left join lateral (
  select o.*, row_number() over (order by o.original_start) as row_number
  from lms.occurrences as o
  where o.class_id = c.id
    and o.deleted_at is null
    and ($1->>'from' is null or o.ends_at > ($1->>'from')::timestamptz)
    and ($1->>'to' is null or o.starts_at < ($1->>'to')::timestamptz)
  order by o.original_start
  limit 2001
) as o
  on true
where c.id = ($1->>'id')::uuid
  and c.deleted_at is null
group by c.id, c.status, c.planned_until;

-- classes.occurrences.cancel
with o as (
  select o.*
  from lms.cancel_occurrence(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    $1->'input'->>'reason'
  ) as o
)
select
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
      'reason', o.reason
    )::text as body,
  null::text as tag
from o;

-- classes.occurrences.move
with o as materialized (
  select o.*
  from lms.reschedule_occurrence(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    $1->'input'
  ) as o
)
select
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
      'warnings', lms.current_class_warnings(o.class_id)
    )::text as body,
  null::text as tag
from o;

-- for tutor
-- classes.occurrences.split
with r as (
  select r.*
  from lms.split_class(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    ($1->>'new_class_id')::uuid,
    $1->'input'
  ) as r
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.occurrences.split
with r as (
  select r.*
  from lms.split_class(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    ($1->>'new_class_id')::uuid,
    $1->'input'
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.occurrences.split
with r as (
  select r.*
  from lms.split_class(
    ($1->>'id')::uuid,
    ($1->>'start')::timestamptz,
    ($1->>'new_class_id')::uuid,
    $1->'input'
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- classes.attendance.get
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      'student_id', a.student_id,
      'status', a.status,
      'note', a.note
    ) order by a.student_id) filter (where a.id is not null),
    '[]'::json
  ))::text as body,
  null::text as tag
from lms.classes as c
join lms.occurrences as o
  on o.class_id = c.id
left join lms.attendances as a
  on a.occurrence_id = o.id
  and a.deleted_at is null
where c.id = ($1->>'id')::uuid
  and c.deleted_at is null
  and o.original_start = ($1->>'start')::timestamptz
  and o.deleted_at is null
group by o.id;

-- classes.attendance.record
select
  json_build_object('data', coalesce(
    json_agg(json_build_object(
      'student_id', a.student_id,
      'status', a.status,
      'note', a.note
    )),
    '[]'::json
  ))::text as body,
  null::text as tag
from lms.record_attendance(
  ($1->>'id')::uuid,
  ($1->>'start')::timestamptz,
  $1->'input'->'students'
) as a;

-- calendar.feed.get
select
  json_build_object(
    'active', r.id is not null,
    'created_at', lms.utc(r.updated_at)
  )::text as body,
  null::text as tag
from (select current_setting('app.user_id')::uuid as id) as caller
left join lms.calendar_feeds as r
  on r.user_id = caller.id
  and r.deleted_at is null;

-- calendar.feed.delete
with ended as (
  update lms.calendar_feeds as r
  set deleted_at = now()
  where r.user_id = current_setting('app.user_id')::uuid
    and r.deleted_at is null
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended;

-- gamification.leaderboard
select
  json_build_object(
    'data', coalesce(
      json_agg(
        json_build_object(
          'rank', l.rank,
          'student_id', l.student_id,
          'name', l.name,
          'points', l.points,
          'badges', l.badges,
          'is_own', l.is_own
        )
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from lms.leaderboard(
  ($1->>'centre_id')::uuid,
  ($1->>'from')::date,
  ($1->>'to')::date,
  coalesce(($1->>'limit')::integer, 50)
) as l;

-- gamification.summary
select
  json_build_object(
    'student_id', s.id,
    'points', coalesce(g.points, 0),
    'awards', g.awards,
    'points_of_last_30_days', coalesce(g.recent, 0),
    'attendance_streak', lms.attendance_streak(s.tenant_id, s.id),
    'badges', coalesce(b.badges, '[]')
  )::text as body,
  null::text as tag
from lms.students as s
cross join lateral (
  select
    sum(r.points) as points,
    count(*) as awards,
    sum(r.points) filter (where r.created_at > now() - interval '30 days') as recent
  from lms.gamification as r
  where r.student_id = s.id
    and r.deleted_at is null
) as g
cross join lateral (
  select
    json_agg(
      json_build_object('badge', b.badge, 'count', b.awards, 'awarded_at', lms.utc(b.awarded_at))
      order by b.awarded_at desc, b.badge
    ) as badges
  from (
    select r.badge, count(*) as awards, max(r.created_at) as awarded_at
    from lms.gamification as r
    where r.student_id = s.id
      and r.badge is not null
      and r.deleted_at is null
    group by r.badge
  ) as b
) as b
where s.id = ($1->>'id')::uuid
  and s.deleted_at is null;

-- analytics.student-progress
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.student_id as id,
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by r.student_id) as position,
    lead(r.student_id) over (order by r.student_id) is not null as has_more,
    json_build_object(
      'student_id', r.student_id,
      'centre_id', r.centre_id,
      'assessments', r.assessments,
      'reading_average', r.reading_average,
      'spelling_average', r.spelling_average,
      'numeracy_average', r.numeracy_average,
      'reading_latest', r.reading_latest,
      'spelling_latest', r.spelling_latest,
      'numeracy_latest', r.numeracy_latest,
      'last_assessed_at', lms.utc(r.last_assessed_at),
      'points', r.points,
      'badges', r.badges
    ) as item
  from lms.student_progress(($1->>'student_id')::uuid) as r
  where ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
    and ($1->>'cursor' is null or r.student_id > ($1->>'cursor')::uuid)
  order by r.student_id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page;

-- analytics.tutor-load
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.tutor_id as id,
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by r.tutor_id) as position,
    lead(r.tutor_id) over (order by r.tutor_id) is not null as has_more,
    json_build_object(
      'tutor_id', r.tutor_id,
      'centre_id', r.centre_id,
      'max_students', r.max_students,
      'students', r.students,
      'scheduled_classes', r.scheduled_classes,
      'completed_classes', r.completed_classes,
      'cancelled_classes', r.cancelled_classes,
      'load', r.load
    ) as item
  from lms.tutor_load(($1->>'tutor_id')::uuid) as r
  where ($1->>'centre_id' is null or r.centre_id = ($1->>'centre_id')::uuid)
    and ($1->>'cursor' is null or r.tutor_id > ($1->>'cursor')::uuid)
  order by r.tutor_id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page;

