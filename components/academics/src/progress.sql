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
from s
