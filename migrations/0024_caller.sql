-- Who the caller is in terms of rows: what the row-scope policies ask. Security definer, or a policy would have to look
-- through the policies of the tables it reads, and into itself. They answer about the context's user alone.
set local role lms_owner;

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

create function lms.caller_students() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  caller constant uuid := current_setting('app.user_id')::uuid;
  tutor uuid;
begin
  case current_setting('app.role')
    when 'student' then
      return array(
        select s.id
        from lms.students as s
        where s.tenant_id = tenant
          and s.user_id = caller
          and s.deleted_at is null
      );
    when 'parent' then
      return array(
        select s.id
        from lms.students as s
        where s.tenant_id = tenant
          and s.parent_id = caller
          and s.deleted_at is null
        union
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
    when 'tutor' then
      tutor := lms.caller_tutor();
      return array(
        select s.id
        from lms.students as s
        where s.tenant_id = tenant
          and s.assigned_tutor_id = tutor
          and s.deleted_at is null
      );
    else
      return '{}';
  end case;
end
$$;

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

comment on function lms.caller_tutor is 'The caller''s row in tutors; null when there is none.';
comment on function lms.caller_staff is 'The caller''s row in staff; null when there is none.';
comment on function lms.caller_students is
  'The caller''s own students: a student itself, a parent''s children, the students assigned to a tutor. Empty for other roles.';
comment on function lms.caller_student_users is 'The users of the caller''s own students.';

alter function lms.caller_tutor owner to lms_definer;
alter function lms.caller_staff owner to lms_definer;
alter function lms.caller_students owner to lms_definer;
alter function lms.caller_student_users owner to lms_definer;

grant execute on function lms.caller_tutor, lms.caller_staff, lms.caller_students, lms.caller_student_users
to lms_application;
