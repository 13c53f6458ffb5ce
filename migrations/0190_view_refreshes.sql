-- The materialized views without the time of their refresh in each row: with it every row differed each time and was written anew. The
-- time stands in a table of its own, and each view is refreshed by itself.
set local role lms_owner;

create table lms_private.view_refreshes (
  view text primary key,
  refreshed_at timestamptz not null
);

comment on table lms_private.view_refreshes is 'The materialized views of analytics. Whoever refreshes one holds its row until that is done.';
comment on column lms_private.view_refreshes.refreshed_at is 'What was committed by then is in the view.';

grant select on lms_private.view_refreshes to lms_definer;
grant select, insert, update on lms_private.view_refreshes to lms_refresher;

drop function lms.refresh_views();
drop function lms.student_progress(uuid);
drop function lms.tutor_load(uuid);
drop function lms.centre_financials(uuid);
drop materialized view lms_private.mv_student_progress;
drop materialized view lms_private.mv_tutor_load;
drop materialized view lms_private.mv_centre_financials;

create materialized view lms_private.mv_student_progress as
select
  s.tenant_id,
  s.id as student_id,
  s.centre_id,
  coalesce(a.assessments, 0) as assessments,
  a.reading_average,
  a.spelling_average,
  a.numeracy_average,
  a.reading_latest,
  a.spelling_latest,
  a.numeracy_latest,
  a.last_assessed_at,
  coalesce(g.points, 0) as points,
  coalesce(g.badges, 0) as badges
from lms.students as s
left join (
  select
    tenant_id,
    student_id,
    count(*) as assessments,
    round(avg(score) filter (where type = 'reading'), 2) as reading_average,
    round(avg(score) filter (where type = 'spelling'), 2) as spelling_average,
    round(avg(score) filter (where type = 'numeracy'), 2) as numeracy_average,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'reading'))[1] as reading_latest,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'spelling'))[1] as spelling_latest,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'numeracy'))[1] as numeracy_latest,
    max(created_at) as last_assessed_at
  from lms.assessments
  where deleted_at is null
  group by tenant_id, student_id
) as a
  on a.tenant_id = s.tenant_id
  and a.student_id = s.id
left join (
  select
    tenant_id,
    student_id,
    sum(points) as points,
    count(badge) as badges
  from lms.gamification
  where deleted_at is null
  group by tenant_id, student_id
) as g
  on g.tenant_id = s.tenant_id
  and g.student_id = s.id
where s.deleted_at is null
with no data;

create unique index mv_student_progress_student_id_key
on lms_private.mv_student_progress (tenant_id, student_id);

comment on materialized view lms_private.mv_student_progress is 'Assessments, points and badges of each live student.';

create materialized view lms_private.mv_tutor_load as
select
  t.tenant_id,
  t.id as tutor_id,
  t.centre_id,
  t.max_students,
  coalesce(s.students, 0) as students,
  coalesce(c.scheduled_classes, 0) as scheduled_classes,
  coalesce(c.completed_classes, 0) as completed_classes,
  coalesce(c.cancelled_classes, 0) as cancelled_classes,
  round(coalesce(s.students, 0) / nullif(t.max_students, 0)::numeric, 4) as load
from lms.tutors as t
left join (
  select
    tenant_id,
    assigned_tutor_id,
    count(*) as students
  from lms.students
  where deleted_at is null
  group by tenant_id, assigned_tutor_id
) as s
  on s.tenant_id = t.tenant_id
  and s.assigned_tutor_id = t.id
left join (
  select
    tenant_id,
    tutor_id,
    count(*) filter (where status = 'scheduled') as scheduled_classes,
    count(*) filter (where status = 'completed') as completed_classes,
    count(*) filter (where status = 'cancelled') as cancelled_classes
  from lms.classes
  where deleted_at is null
  group by tenant_id, tutor_id
) as c
  on c.tenant_id = t.tenant_id
  and c.tutor_id = t.id
where t.deleted_at is null
with no data;

create unique index mv_tutor_load_tutor_id_key
on lms_private.mv_tutor_load (tenant_id, tutor_id);

comment on materialized view lms_private.mv_tutor_load is 'Students and classes of each live tutor.';
comment on column lms_private.mv_tutor_load.load is 'Assigned students for each place; null when there is no place.';

create materialized view lms_private.mv_centre_financials as
select
  s.tenant_id,
  s.centre_id,
  s.month,
  s.currency,
  s.income,
  s.salaries,
  s.expenses,
  s.reimbursements,
  s.income - s.salaries - s.expenses - s.reimbursements as net,
  s.records
from (
  select
    f.tenant_id,
    f.centre_id,
    date_trunc('month', f.effective_on)::date as month,
    f.currency,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'payment'), 0) as income,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'salary'), 0) as salaries,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'expense'), 0) as expenses,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'reimbursement'), 0) as reimbursements,
    count(*) as records
  from lms.finance_records as f
  group by f.tenant_id, f.centre_id, date_trunc('month', f.effective_on)::date, f.currency
) as s
with no data;

create unique index mv_centre_financials_month_key
on lms_private.mv_centre_financials (tenant_id, centre_id, month, currency);

comment on materialized view lms_private.mv_centre_financials is 'Money of each centre by month and currency.';
comment on column lms_private.mv_centre_financials.month is 'First day of the month in which the records take effect.';
comment on column lms_private.mv_centre_financials.net is 'Income less salaries, expenses and reimbursements.';

grant select on lms_private.mv_student_progress, lms_private.mv_tutor_load, lms_private.mv_centre_financials to lms_definer;

alter materialized view lms_private.mv_student_progress owner to lms_refresher;
alter materialized view lms_private.mv_tutor_load owner to lms_refresher;
alter materialized view lms_private.mv_centre_financials owner to lms_refresher;

-- Filled once, because a view without data can be neither read nor refreshed concurrently.
refresh materialized view lms_private.mv_student_progress;
refresh materialized view lms_private.mv_tutor_load;
refresh materialized view lms_private.mv_centre_financials;

insert into lms_private.view_refreshes (view, refreshed_at)
values
  ('mv_student_progress', now()),
  ('mv_tutor_load', now()),
  ('mv_centre_financials', now());

create function lms.refresh_view(name text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
-- Sums of a million rows, and the comparison with what is there, fit into memory; compiling them takes longer than it gains.
set work_mem = '256MB'
set jit = off
as $$
declare
  as_of timestamptz;
begin
  perform
  from lms_private.view_refreshes as r
  where r.view = name
  for update;
  if not found then
    raise exception using
      errcode = '22023',
      message = format('There is no view %s to refresh.', name);
  end if;
  -- Behind the turn of whoever refreshed before: so a later refresh never shows an earlier state.
  as_of := clock_timestamp();
  execute format('refresh materialized view concurrently lms_private.%I', name);
  update lms_private.view_refreshes as r
  set refreshed_at = as_of
  where r.view = name;
end
$$;

comment on function lms.refresh_view is
  'Refreshes a materialized view while it is read and written beneath. Two at once take turns. For lms_migrator, in a transaction of its own.';

alter function lms.refresh_view owner to lms_refresher;

grant execute on function lms.refresh_view to lms_migrator;

create function lms.student_progress(student uuid default null) returns table (
  tenant_id uuid,
  student_id uuid,
  centre_id uuid,
  assessments bigint,
  reading_average numeric,
  spelling_average numeric,
  numeracy_average numeric,
  reading_latest integer,
  spelling_latest integer,
  numeracy_latest integer,
  last_assessed_at timestamptz,
  points bigint,
  badges bigint,
  refreshed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid[] := lms.caller_students();
begin
  return query
    select p.*, r.refreshed_at
    from lms_private.mv_student_progress as p
    cross join lms_private.view_refreshes as r
    where r.view = 'mv_student_progress'
      and p.tenant_id = current_setting('app.tenant_id')::uuid
      and (student is null or p.student_id = student)
      and case
        when scope = 'admin' then true
        when scope in ('supervisor', 'assessor') then p.centre_id = centre
        when scope in ('tutor', 'parent', 'student') then p.student_id = any (own)
        else false
      end;
end
$$;

create function lms.tutor_load(tutor uuid default null) returns table (
  tenant_id uuid,
  tutor_id uuid,
  centre_id uuid,
  max_students integer,
  students bigint,
  scheduled_classes bigint,
  completed_classes bigint,
  cancelled_classes bigint,
  load numeric,
  refreshed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid := lms.caller_tutor();
begin
  return query
    select l.*, r.refreshed_at
    from lms_private.mv_tutor_load as l
    cross join lms_private.view_refreshes as r
    where r.view = 'mv_tutor_load'
      and l.tenant_id = current_setting('app.tenant_id')::uuid
      and (tutor is null or l.tutor_id = tutor)
      and case scope
        when 'admin' then true
        when 'supervisor' then l.centre_id = centre
        when 'tutor' then l.tutor_id = own
        else false
      end;
end
$$;

create function lms.centre_financials(centre uuid default null) returns table (
  tenant_id uuid,
  centre_id uuid,
  month date,
  currency text,
  income numeric,
  salaries numeric,
  expenses numeric,
  reimbursements numeric,
  net numeric,
  records bigint,
  refreshed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  scope constant text := current_setting('app.role');
  own constant uuid := current_setting('app.centre_id')::uuid;
begin
  return query
    select f.*, r.refreshed_at
    from lms_private.mv_centre_financials as f
    cross join lms_private.view_refreshes as r
    where r.view = 'mv_centre_financials'
      and f.tenant_id = current_setting('app.tenant_id')::uuid
      and (centre is null or f.centre_id = centre)
      and case scope
        when 'admin' then true
        when 'finance' then true
        when 'supervisor' then f.centre_id = own
        else false
      end;
end
$$;

comment on function lms.student_progress is 'Progress of the students in the caller''s scope, or of one of them.';
comment on function lms.tutor_load is 'Load of the tutors in the caller''s scope, or of one of them.';
comment on function lms.centre_financials is 'Money of the centres in the caller''s scope, or of one of them, by month.';

alter function lms.student_progress owner to lms_definer;
alter function lms.tutor_load owner to lms_definer;
alter function lms.centre_financials owner to lms_definer;

grant execute on function lms.student_progress, lms.tutor_load, lms.centre_financials to lms_application;
