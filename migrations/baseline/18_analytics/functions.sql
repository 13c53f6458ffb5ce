-- Functions that show the materialized views within row scope, and refresh them. They are security
-- definer and owned by lms_definer: their filters replace the row security that these views cannot
-- have. People who have left are omitted from lists, but can be read by id.

create function lms.refresh_view(name text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
-- Sums of a million rows, and the comparison with the present contents, fit into memory; compiling
-- them would take longer than it saves.
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
  -- The time is read after the lock, so that a later refresh never shows an earlier state.
  as_of := clock_timestamp();
  execute format('refresh materialized view concurrently lms_private.%I', name);
  update lms_private.view_refreshes as r
  set refreshed_at = as_of
  where r.view = name;
end
$$;

comment on function lms.refresh_view is
  'Refreshes a materialized view without blocking reads or writes. Concurrent calls are serialized. For lms_migrator, in a transaction of its own.';

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
      and case
        when student is null then exists (
          select from lms.students as s where s.tenant_id = p.tenant_id and s.id = p.student_id and s.left_at is null
        )
        else p.student_id = student
      end
      and case
        when scope = 'admin' then true
        when scope in ('supervisor', 'assessor') and p.centre_id = centre then true
        else p.student_id = any (own)
      end;
end
$$;

comment on function lms.student_progress is 'Progress of the students in the caller''s row scope, or of one of them.';

alter function lms.student_progress owner to lms_definer;
grant execute on function lms.student_progress to lms_application;

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
      and case
        when tutor is null then exists (
          select from lms.tutors as t where t.tenant_id = l.tenant_id and t.id = l.tutor_id and t.left_at is null
        )
        else l.tutor_id = tutor
      end
      and case scope
        when 'admin' then true
        when 'supervisor' then l.centre_id = centre
        when 'tutor' then l.tutor_id = own
        else false
      end;
end
$$;

comment on function lms.tutor_load is 'Load of the tutors in the caller''s row scope, or of one of them.';

alter function lms.tutor_load owner to lms_definer;
grant execute on function lms.tutor_load to lms_application;

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

comment on function lms.centre_financials is 'Finances of the centres in the caller''s row scope, or of one of them, by month.';

alter function lms.centre_financials owner to lms_definer;
grant execute on function lms.centre_financials to lms_application;
