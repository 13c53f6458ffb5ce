-- Measures the disk space of one student's year: writes it for 200 students of a seeded tenant, with all triggers, and prints
-- the growth of the tables, their indexes, the event log and the WAL. docs/explanation/scale.md has the figures.
--
--   lms cluster start; lms prepare >/dev/null; lab seed --tenants 5 --students 20000
--   psql "$ADDRESS_OF_THE_SUPERUSER" -f lab/bench/storage.sql; lms analytics refresh
--
-- A student's year: 40 lessons, each completed with its attendance, 12 payments, 12 assessments,
-- 20 awards, 4 requests with 2 comments each, 20 notifications.

\set ON_ERROR_STOP on
\pset footer off
set statement_timeout = 0;
select set_config('app.tenant_id', t.id::text, false), set_config('app.role', 'admin', false)
from lms.tenants as t
where t.slug like 'seed-%'
  and not exists (select from lms.classes as c where c.tenant_id = t.id)
order by t.slug
limit 1 \g /dev/null
set role lms_owner;

create temporary table pupil as
select
  s.id,
  s.user_id,
  s.centre_id,
  s.assigned_tutor_id as tutor_id,
  gen_random_uuid() as class_id,
  row_number() over (partition by s.assigned_tutor_id order by s.id) as place
from lms.students as s
where s.tenant_id = current_setting('app.tenant_id')::uuid
  and s.assigned_tutor_id is not null
order by s.id
limit 200;
analyze pupil;

create temporary table measured (step text, kind text, bytes numeric, at integer generated always as identity);
create procedure pg_temp.measure(step text) language sql as $$
insert into measured (step, kind, bytes)
select
  step,
  case when c.relname = 'unsealed_events' or l.relid is not null then 'events' else 'rows' end,
  sum(pg_total_relation_size(c.oid))
from pg_class as c
left join pg_partition_tree('lms.event_log') as l
  on l.relid = c.oid
where c.relkind = 'r'
  and (c.relnamespace = 'lms'::regnamespace or c.relname = 'unsealed_events' or l.relid is not null)
group by 2
union all
select step, 'wal', pg_current_wal_insert_lsn() - '0/0'::pg_lsn
$$;

reset role;
do $$ begin perform lms_private.seal_events(t.id) from lms.tenants as t; end $$;
vacuum full lms_private.unsealed_events;
set role lms_owner;

call pg_temp.measure('begin');
\echo begin

insert into lms.classes (id, centre_id, tutor_id, student_ids, schedule)
select
  p.class_id,
  p.centre_id,
  p.tutor_id,
  jsonb_build_array(p.id),
  jsonb_build_object(
    'start', to_char(timestamp '2030-01-07' + make_interval(hours => p.place::integer), 'YYYY-MM-DD"T"HH24:MI:SS'),
    'end', to_char(timestamp '2030-01-07 01:00' + make_interval(hours => p.place::integer), 'YYYY-MM-DD"T"HH24:MI:SS'),
    'time_zone', 'UTC'
  )
from pupil as p;

insert into lms.enrolments (class_id, student_id)
select p.class_id, p.id
from pupil as p
on conflict do nothing;

insert into lms.occurrences (class_id, centre_id, tutor_id, original_start, starts_at, ends_at)
select p.class_id, p.centre_id, p.tutor_id, l.starts_at, l.starts_at, l.starts_at + interval '1 hour'
from pupil as p
cross join generate_series(0, 39) as week
cross join lateral (
  select timestamptz '2030-01-07 00:00Z' + make_interval(weeks => week, hours => p.place::integer) as starts_at
) as l
on conflict do nothing;

insert into lms.attendances (occurrence_id, class_id, student_id, starts_at, ends_at, is_booked)
select o.id, o.class_id, p.id, o.starts_at, o.ends_at, true
from pupil as p
join lms.occurrences as o
  on o.tenant_id = current_setting('app.tenant_id')::uuid
  and o.class_id = p.class_id
on conflict do nothing;

call pg_temp.measure('lessons');
\echo lessons

-- One class after another, because the product has no statement that changes thousands of lessons.
do $$
declare
  class uuid;
begin
  for class in select p.class_id from pupil as p loop
    update lms.attendances as a
    set status = 'present'
    where a.tenant_id = current_setting('app.tenant_id')::uuid
      and a.class_id = class;
    update lms.occurrences as o
    set status = 'completed'
    where o.tenant_id = current_setting('app.tenant_id')::uuid
      and o.class_id = class;
  end loop;
end
$$;

call pg_temp.measure('lessons completed');
\echo lessons completed

insert into lms.finance_records (centre_id, student_id, amount, currency, type, method, reference)
select p.centre_id, p.id, 140.50, 'GBP', 'payment', 'card', 'PAYMENT-' || p.place || '-' || month
from pupil as p
cross join generate_series(1, 12) as month;

call pg_temp.measure('payments');
\echo payments

insert into lms.assessments (student_id, tutor_id, type, score, notes)
select p.id, p.tutor_id, (array['reading', 'spelling', 'numeracy'])[1 + number % 3], 40 + number, 'Good progress since the last time.'
from pupil as p
cross join generate_series(1, 12) as number;

call pg_temp.measure('assessments');
\echo assessments

insert into lms.gamification (student_id, points, metadata)
select p.id, 10, '{"reason": "lesson"}'
from pupil as p
cross join generate_series(1, 20) as number;

call pg_temp.measure('awards');
\echo awards

with created as (
  insert into lms.requests (centre_id, type, details, priority)
  select p.centre_id, 'it', 'The lamp of the room is broken, and so is its switch.', 'low'
  from pupil as p
  cross join generate_series(1, 4) as number
  returning id
)
insert into lms.request_comments (request_id, visibility, body)
select r.id, 'public', 'Somebody comes on Tuesday and looks at it.'
from created as r
cross join generate_series(1, 2) as number;

call pg_temp.measure('requests');
\echo requests

insert into lms.notifications (user_id, type, subject, message)
select p.user_id, 'email', 'A lesson was moved', 'The lesson on Tuesday at ten begins at eleven, in the same room.'
from pupil as p
cross join generate_series(1, 20) as number;

call pg_temp.measure('notifications');
\echo notifications

reset role;
select lms_private.seal_events(current_setting('app.tenant_id')::uuid) as events_sealed;
call pg_temp.measure('sealed, before the vacuum');
vacuum full lms_private.unsealed_events;
call pg_temp.measure('sealed');
\echo sealed

select
  m.step,
  round((m.bytes - first.bytes) / 200) as bytes_per_student,
  m.kind
from (
  select *, lag(bytes) over (partition by kind order by at) as before from measured
) as m
cross join lateral (select m.before as bytes) as first
where m.before is not null
order by m.at;

select m.kind, round((last.bytes - m.bytes) / 200) as bytes_per_student_and_year
from measured as m
join measured as last
  on last.kind = m.kind
where m.step = 'begin'
  and last.step = 'sealed'
order by m.kind;
