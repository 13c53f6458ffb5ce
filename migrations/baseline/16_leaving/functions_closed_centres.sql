-- A centre that is closed is given nothing more: nobody and nothing new, nobody who moves there, none of its tutors for a child.
-- One trigger function looks at every new reference to a centre; what stands there already may change otherwise, and the book goes
-- on. Lessons have their own check (check_present).

create function lms_private.check_centre_open() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  centre record;
begin
  -- The centre is locked, so that it is not deleted at the same moment.
  select c.left_at is not null as is_closed, c.deleted_at is not null as is_deleted
  into centre
  from lms.centres as c
  where c.tenant_id = new.tenant_id
    and c.id = new.centre_id
  for share of c;
  if tg_argv[0] = 'new' and centre.is_closed then
    raise exception using
      errcode = 'LM422', message = 'This centre is closed.', detail = new.id, column = 'centre_id';
  elsif centre.is_deleted then
    raise exception using
      errcode = 'LM409',
      message = 'The centre is deleted: restore it first.',
      detail = new.centre_id,
      column = 'centre_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_centre_open is
  'LM422 for a new reference to a centre that is closed or deleted. Of a row that comes back (argument: back) LM409 where the centre is deleted.';

alter function lms_private.check_centre_open owner to lms_definer;

create function lms_private.tutoring_problem(tenant uuid, tutor uuid, student uuid) returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  return case
    when not lms_private.is_current_tenant(tenant) then null
    when exists (
      select
      from lms.students as s
      where s.tenant_id = tenant
        and s.id = student
        and s.left_at is not null
    ) then 'This student has left.'
    when exists (
      select
      from lms.tutors as t
      join lms.centres as c
        on c.tenant_id = t.tenant_id
        and c.id = t.centre_id
      where t.tenant_id = tenant
        and t.id = tutor
        and c.left_at is not null
    ) then 'This tutor''s centre is closed.'
  end;
end
$$;

comment on function lms_private.tutoring_problem is
  'Why a student is not given a tutor: the student has left or the tutor''s centre is closed; null when neither. That the tutor has left is seen elsewhere. It answers about the context''s tenant.';

alter function lms_private.tutoring_problem owner to lms_definer;
grant execute on function lms_private.tutoring_problem to lms_application;

create function lms_private.check_tutor_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  problem text;
begin
  -- The tutor's centre is locked, so that it is not closed at the same moment.
  perform
  from lms.tutors as t
  join lms.centres as c
    on c.tenant_id = t.tenant_id
    and c.id = t.centre_id
  where t.tenant_id = new.tenant_id
    and t.id = new.assigned_tutor_id
  for share of c;
  problem := lms_private.tutoring_problem(new.tenant_id, new.assigned_tutor_id, new.id);
  if problem is not null then
    raise exception using errcode = 'LM422', message = problem, detail = new.id, column = 'assigned_tutor_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_tutor_assignment is 'LM422 for a student who is given a tutor that lms_private.tutoring_problem is against.';

alter function lms_private.check_tutor_assignment owner to lms_definer;
