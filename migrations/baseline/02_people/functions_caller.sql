-- Functions that row-scope policies call to find the caller's rows. They are security definer,
-- because a policy would otherwise apply the policies of the tables that it reads, including
-- itself; they answer about the user of the context only. Students see their own rows. Guardians
-- see their children, whatever their role: a tutor who is a parent sees both. Tutors see the
-- students assigned to them and those of the lessons that they give or gave. The right to write
-- depends on the role alone.

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

comment on function lms.caller_tutor is 'The id of the caller''s row in tutors; null when there is none.';

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

comment on function lms.caller_staff is 'The id of the caller''s row in staff; null when there is none.';

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

comment on function lms.caller_students is 'The caller''s own students: the family, and the students of a tutor.';

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

comment on function lms.caller_student_users is 'The user ids of the caller''s own students.';

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

comment on function lms.caller_family is
  'The student itself for a student, the children for a guardian of any role; empty for everybody else.';

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
  'The students of a tutor: those assigned to the tutor, and those of the lessons that the tutor gives or gave. Empty for other roles.';

alter function lms.caller_tutored_students owner to lms_definer;
grant execute on function lms.caller_tutored_students to lms_application;
