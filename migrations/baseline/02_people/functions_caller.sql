-- The caller in terms of rows: these are the functions that the row-scope policies ask. They are security definer, or a policy
-- would have to look through the policies of the tables it reads, and into itself; they answer about the context's user alone. A
-- student sees the own rows. A guardian sees the children, whatever the role: a tutor who is a parent sees both. A tutor sees the
-- pupils: those who are assigned, and those of the lessons that the tutor gives or gave. The right to write follows from the role
-- alone.

create function lms.caller_tutor() returns uuid
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select t.id
    from lms.tutors as t
    where t.tenant_id = current_setting('app.tenant_id')::uuid
      and t.user_id = current_setting('app.user_id')::uuid
      and t.deleted_at is null
  );
end
$$;

comment on function lms.caller_tutor is 'The caller''s row in tutors; null when there is none.';

alter function lms.caller_tutor owner to lms_definer;
grant execute on function lms.caller_tutor to lms_application;

create function lms.caller_staff() returns uuid
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select s.id
    from lms.staff as s
    where s.tenant_id = current_setting('app.tenant_id')::uuid
      and s.user_id = current_setting('app.user_id')::uuid
      and s.deleted_at is null
  );
end
$$;

comment on function lms.caller_staff is 'The caller''s row in staff; null when there is none.';

alter function lms.caller_staff owner to lms_definer;
grant execute on function lms.caller_staff to lms_application;

create function lms.caller_students() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('app.role') = 'tutor' then
    return lms.caller_family() || lms.caller_tutored_students();
  end if;
  return lms.caller_family();
end
$$;

comment on function lms.caller_students is 'The caller''s own students: family, and a tutor''s pupils.';

alter function lms.caller_students owner to lms_definer;
grant execute on function lms.caller_students to lms_application;

create function lms.caller_student_users() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select s.user_id
    from lms.students as s
    where s.tenant_id = current_setting('app.tenant_id')::uuid
      and s.id = any (lms.caller_students())
  );
end
$$;

comment on function lms.caller_student_users is 'The users of the caller''s own students.';

alter function lms.caller_student_users owner to lms_definer;
grant execute on function lms.caller_student_users to lms_application;

create function lms.caller_family() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  caller constant uuid := current_setting('app.user_id')::uuid;
begin
  if current_setting('app.role') = 'student' then
    return array(
      select s.id
      from lms.students as s
      where s.tenant_id = tenant
        and s.user_id = caller
        and s.deleted_at is null
    );
  end if;
  return array(
    select g.student_id
    from lms.guardians as g
    join lms.students as s
      on s.tenant_id = g.tenant_id
      and s.id = g.student_id
    where g.tenant_id = tenant
      and g.user_id = caller
      and g.deleted_at is null
      and s.deleted_at is null
  );
end
$$;

comment on function lms.caller_family is 'The student itself, or the children of whoever is a guardian, in any role. Empty for everybody else.';

alter function lms.caller_family owner to lms_definer;
grant execute on function lms.caller_family to lms_application;

create function lms.caller_tutored_students() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  tutor uuid;
begin
  if current_setting('app.role') <> 'tutor' then
    return '{}';
  end if;
  tutor := lms.caller_tutor();
  return array(
    select s.id
    from lms.students as s
    where s.tenant_id = tenant
      and s.assigned_tutor_id = tutor
      and s.deleted_at is null
    union
    select s.id
    from lms_private.taught_students as t
    join lms.students as s
      on s.tenant_id = t.tenant_id
      and s.id = t.student_id
    where t.tenant_id = tenant
      and t.tutor_id = tutor
      and s.deleted_at is null
  );
end
$$;

comment on function lms.caller_tutored_students is
  'The students of a tutor: those who are assigned, and those of the lessons that the tutor gives or gave. Empty for other roles.';

alter function lms.caller_tutored_students owner to lms_definer;
grant execute on function lms.caller_tutored_students to lms_application;
