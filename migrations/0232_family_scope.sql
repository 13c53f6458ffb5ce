-- The rows that a caller sees beyond those of the role. A student sees the own ones. A guardian sees the children, whatever the role: a tutor
-- who is a parent sees both. A tutor sees the pupils: those who are assigned, and those of the lessons that the tutor gives or gave.
-- The right to write follows from the role alone.
set local role lms_owner;

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

create function lms.caller_pupils() returns uuid[]
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

create or replace function lms.caller_students() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('app.role') = 'tutor' then
    return lms.caller_family() || lms.caller_pupils();
  end if;
  return lms.caller_family();
end
$$;

create or replace function lms.caller_classes() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  family constant uuid[] := lms.caller_family();
begin
  if family = '{}' then
    return family;
  end if;
  return array(
    select distinct e.class_id
    from lms.enrolments as e
    where e.tenant_id = current_setting('app.tenant_id')::uuid
      and e.student_id = any (family)
      and e.deleted_at is null
  );
end
$$;

create function lms.gave_lesson(occurrence uuid) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from lms.occurrences as o
    where o.tenant_id = current_setting('app.tenant_id')::uuid
      and o.id = occurrence
      and o.tutor_id = lms.caller_tutor()
  );
end
$$;

comment on function lms.caller_family is 'The student itself, or the children of whoever is a guardian, in any role. Empty for everybody else.';
comment on function lms.caller_pupils is
  'The students of a tutor: those who are assigned, and those of the lessons that the tutor gives or gave. Empty for other roles.';
comment on function lms.caller_students is 'The caller''s own students: family, and a tutor''s pupils.';
comment on function lms.caller_classes is 'The classes of the caller''s family.';
comment on function lms.gave_lesson is 'Whether the lesson is one that the caller gives or gave as its tutor.';

alter function lms.caller_family owner to lms_definer;
alter function lms.caller_pupils owner to lms_definer;
alter function lms.gave_lesson owner to lms_definer;

grant execute on function lms.caller_family, lms.caller_pupils, lms.gave_lesson to lms_application;

-- First what the role gives, then what is one's own.
alter policy scope_read on lms.users
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then
      centre_id = current_setting('app.centre_id')::uuid
      or id = current_setting('app.user_id')::uuid
    when 'assessor' then
      centre_id = current_setting('app.centre_id')::uuid
      or id = current_setting('app.user_id')::uuid
    when 'nobody' then false
    else id = current_setting('app.user_id')::uuid
  end
  or id = any ((select lms.caller_student_users())::uuid[])
);

alter policy scope_read on lms.students
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'student' then user_id = current_setting('app.user_id')::uuid
    else false
  end
  or id = any ((select lms.caller_students())::uuid[])
);

-- A parent sets what the family decides; which column that is, is the interface's business.
alter policy scope_update on lms.students
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then id = any ((select lms.caller_pupils())::uuid[])
    when 'parent' then id = any ((select lms.caller_family())::uuid[])
    else false
  end
);

-- A parent sees the own link and nobody else's; a supervisor writes those of the centre's students.
alter policy scope_read on lms.guardians
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = guardians.tenant_id
        and s.id = guardians.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'student' then student_id = any ((select lms.caller_family())::uuid[])
    when 'tutor' then student_id = any ((select lms.caller_pupils())::uuid[])
    else false
  end
  or user_id = current_setting('app.user_id')::uuid
);

alter policy scope_insert on lms.guardians
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = guardians.tenant_id
        and s.id = guardians.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    else false
  end
);

alter policy scope_update on lms.guardians
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = guardians.tenant_id
        and s.id = guardians.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    else false
  end
);

alter policy scope_read on lms.assessments
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'assessor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    else false
  end
  or student_id = any ((select lms.caller_students())::uuid[])
);

alter policy scope_insert on lms.assessments
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'assessor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then student_id = any ((select lms.caller_pupils())::uuid[])
    else false
  end
);

alter policy scope_update on lms.assessments
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'assessor' then exists (
      select from lms.students as s
      where s.tenant_id = assessments.tenant_id
        and s.id = assessments.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then student_id = any ((select lms.caller_pupils())::uuid[])
    else false
  end
);

alter policy scope_read on lms.gamification
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'assessor' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = gamification.tenant_id
        and s.id = gamification.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    else false
  end
  or student_id = any ((select lms.caller_students())::uuid[])
);

alter policy scope_insert on lms.gamification
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = gamification.tenant_id
        and s.id = gamification.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then student_id = any ((select lms.caller_pupils())::uuid[])
    else false
  end
);

-- Money is the family's: a tutor sees none of the pupils'.
alter policy scope_read on lms.finance_records
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then type = 'salary' and tutor_id = (select lms.caller_tutor())
    else false
  end
  or student_id = any ((select lms.caller_family())::uuid[])
);

-- A supervisor sends to the users of the centre and sees what they were sent; a child's correspondence is the child's own.
alter policy scope_read on lms.notifications
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then
      user_id = current_setting('app.user_id')::uuid
      or exists (
        select from lms.users as u
        where u.tenant_id = notifications.tenant_id
          and u.id = notifications.user_id
          and u.centre_id = current_setting('app.centre_id')::uuid
      )
    when 'nobody' then false
    else user_id = current_setting('app.user_id')::uuid
  end
);

alter policy scope_insert on lms.notifications
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then
      user_id = current_setting('app.user_id')::uuid
      or exists (
        select from lms.users as u
        where u.tenant_id = notifications.tenant_id
          and u.id = notifications.user_id
          and u.centre_id = current_setting('app.centre_id')::uuid
      )
    else false
  end
);
