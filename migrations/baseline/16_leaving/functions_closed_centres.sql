-- Rules for closed centres: nothing new may refer to one, nobody may move there, and its tutors are
-- not assigned. A trigger checks every new reference to a centre; existing rows can otherwise be
-- changed, and finance records can still be added. Lessons are checked by check_present.

create function lms_private.check_centre_open() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  centre record;
begin
  -- The centre is locked, so that it cannot be deleted concurrently.
  select c.left_at is not null as is_closed, c.deleted_at is not null as is_deleted
  into centre
  from lms.centres as c
  where c.tenant_id = new.tenant_id
    and c.id = new.centre_id
  for share of c;
  if tg_argv[0] = 'new' and centre.is_closed then
    raise exception using
      errcode = 'LM422', message = 'The centre is closed.', detail = new.id, column = 'centre_id';
  elsif centre.is_deleted then
    raise exception using
      errcode = 'LM409',
      message = 'The centre is deleted. Restore it first.',
      detail = new.centre_id,
      column = 'centre_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_centre_open is
  'LM422 for a new reference to a closed or deleted centre. For a restored row (argument: back) LM409 when the centre is deleted.';

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
    ) then 'The student has left.'
    when exists (
      select
      from lms.tutors as t
      join lms.centres as c
        on c.tenant_id = t.tenant_id
        and c.id = t.centre_id
      where t.tenant_id = tenant
        and t.id = tutor
        and c.left_at is not null
    ) then 'The tutor''s centre is closed.'
  end;
end
$$;

comment on function lms_private.tutoring_problem is
  'Why a student cannot be assigned a tutor: the student has left or the tutor''s centre is closed; null when neither is true. check_present checks that the tutor has not left. It answers about the context''s tenant.';

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
  -- The tutor's centre is locked, so that it cannot be closed concurrently.
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

comment on function lms_private.check_tutor_assignment is
  'LM422 for an assignment of a tutor that lms_private.tutoring_problem rejects.';

alter function lms_private.check_tutor_assignment owner to lms_definer;
