-- One condition with three ways to be somebody's child enters no index: all students of the tenant were read. Three conditions enter one
-- each.
set local role lms_owner;

create or replace function lms_private.belongs_elsewhere(tenant uuid, person uuid, centre uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from lms.students as s
    where s.tenant_id = tenant
      and s.user_id = person
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.students as s
    where s.tenant_id = tenant
      and s.parent_id = person
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.guardians as g
    join lms.students as s
      on s.tenant_id = g.tenant_id
      and s.id = g.student_id
    where g.tenant_id = tenant
      and g.user_id = person
      and g.deleted_at is null
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.tutors as t
    where t.tenant_id = tenant
      and t.user_id = person
      and t.deleted_at is null
      and (
        t.centre_id is distinct from centre
        or exists (
          select
          from lms.classes as c
          where c.tenant_id = tenant
            and c.tutor_id = t.id
            and c.deleted_at is null
            and c.centre_id is distinct from centre
        )
      )
  )
  or exists (
    select
    from lms.staff as f
    where f.tenant_id = tenant
      and f.user_id = person
      and f.deleted_at is null
      and f.centre_id is distinct from centre
  )
$$;
