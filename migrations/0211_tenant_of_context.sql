-- Functions that look past row security and take a tenant answer about the context's tenant only. They take one because triggers call them
-- with that of the row; called by hand with another's, they must say nothing about it.
set local role lms_owner;

create function lms_private.is_of_context(tenant uuid) returns boolean
language sql
stable
parallel safe
return coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant) = tenant;

comment on function lms_private.is_of_context is
  'Whether this is the context''s tenant. True for all where there is no context: the application always has one, of no tenant by default.';

grant execute on function lms_private.is_of_context to lms_application, lms_definer;

create or replace function lms_private.is_taught(tenant uuid, tutor uuid, subject text, level text) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return lms_private.is_of_context(tenant) and exists (
    select
    from lms.tutors as t
    cross join jsonb_array_elements(t.subjects) as taught
    where t.tenant_id = is_taught.tenant
      and t.id = is_taught.tutor
      and lower(taught ->> 'subject') = lower(is_taught.subject)
      and (is_taught.level is null or taught ->> 'level' is null or lower(taught ->> 'level') = lower(is_taught.level))
  );
end
$$;

create or replace function lms_private.are_of_centre(tenant uuid, centre uuid, students jsonb) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return lms_private.is_of_context(tenant) and not exists (
    select
    from jsonb_array_elements_text(students) as one (id)
    left join lms.students as s
      on s.tenant_id = tenant
      and s.id = one.id::uuid
      and s.centre_id = centre
      and s.deleted_at is null
    where s.id is null
  );
end
$$;

create or replace function lms_private.assignment_problem(tenant uuid, centre uuid, staff uuid) returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  found record;
begin
  select s.centre_id, s.status = 'active' and u.status = 'active' as works
  into found
  from lms.staff as s
  join lms.users as u
    on u.tenant_id = s.tenant_id
    and u.id = s.user_id
  where lms_private.is_of_context(tenant)
    and s.tenant_id = tenant
    and s.id = staff
    and s.deleted_at is null
    and u.deleted_at is null;
  return case
    when found is null then 'There is no such thing here.'
    when not found.works then 'This person is not active.'
    -- Without a centre one works for all of the tenant.
    when found.centre_id <> centre then 'This person works at another centre.'
  end;
end
$$;

create or replace function lms_private.is_forgetting(tenant uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select lms_private.is_of_context(tenant) and exists (
    select
    from lms_private.tenants_away as a
    where a.tenant_id = is_forgetting.tenant
      and a.state = 'elsewhere'
      and a.forgotten_at = now()
  );
end;
