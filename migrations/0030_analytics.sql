-- What the materialized views show to whom, and their refresh. Security definer, owned by lms_definer: the filters in
-- here stand in for the row security that those views cannot have.
set local role lms_owner;

create function lms.student_progress(student uuid default null) returns setof lms_private.mv_student_progress
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid[] := lms.caller_students();
begin
  return query
    select p.*
    from lms_private.mv_student_progress as p
    where p.tenant_id = current_setting('app.tenant_id')::uuid
      and (student is null or p.student_id = student)
      and case
        when scope = 'admin' then true
        when scope in ('supervisor', 'assessor') then p.centre_id = centre
        when scope in ('tutor', 'parent', 'student') then p.student_id = any (own)
        else false
      end;
end
$$;

create function lms.tutor_load(tutor uuid default null) returns setof lms_private.mv_tutor_load
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid := lms.caller_tutor();
begin
  return query
    select l.*
    from lms_private.mv_tutor_load as l
    where l.tenant_id = current_setting('app.tenant_id')::uuid
      and (tutor is null or l.tutor_id = tutor)
      and case scope
        when 'admin' then true
        when 'supervisor' then l.centre_id = centre
        when 'tutor' then l.tutor_id = own
        else false
      end;
end
$$;

create function lms.centre_financials(centre uuid default null) returns setof lms_private.mv_centre_financials
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  scope constant text := current_setting('app.role');
  own constant uuid := current_setting('app.centre_id')::uuid;
begin
  return query
    select f.*
    from lms_private.mv_centre_financials as f
    where f.tenant_id = current_setting('app.tenant_id')::uuid
      and (centre is null or f.centre_id = centre)
      and case scope
        when 'admin' then true
        when 'finance' then true
        when 'supervisor' then f.centre_id = own
        else false
      end;
end
$$;

create function lms.refresh_views() returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  refresh materialized view concurrently lms_private.mv_student_progress;
  refresh materialized view concurrently lms_private.mv_tutor_load;
  refresh materialized view concurrently lms_private.mv_centre_financials;
end
$$;

comment on function lms.student_progress is 'Progress of the students in the caller''s scope, or of one of them.';
comment on function lms.tutor_load is 'Load of the tutors in the caller''s scope, or of one of them.';
comment on function lms.centre_financials is 'Money of the centres in the caller''s scope, or of one of them, by month.';
comment on function lms.refresh_views is 'Refreshes the three materialized views while they are read. For lms_migrator.';

alter function lms.student_progress owner to lms_definer;
alter function lms.tutor_load owner to lms_definer;
alter function lms.centre_financials owner to lms_definer;
alter function lms.refresh_views owner to lms_refresher;

grant execute on function lms.student_progress, lms.tutor_load, lms.centre_financials to lms_application;
grant execute on function lms.refresh_views to lms_migrator;
