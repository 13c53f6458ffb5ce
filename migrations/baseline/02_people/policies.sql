-- Row scope of the tables about people: restrictive policies on top of the tenant's policy. Each
-- CASE is a column of the matrix in docs/reference/roles-and-permissions.md, first the rows of the
-- role, then the caller's own. The columns that a role may see are limited by the interface. The
-- role is an init-plan, evaluated once for each statement. The settings within a branch are not,
-- because preparing an init-plan costs every statement, and most statements never reach the branch.

create policy scope_read on lms.users
as restrictive for select to lms_application
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

-- Admins, finance and support reach the whole tenant. A supervisor can neither create these
-- accounts nor change them, and support can create no admin, because both would extend their own
-- reach.
create policy scope_insert on lms.users
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then
      centre_id = current_setting('app.centre_id')::uuid
      and role not in ('admin', 'finance', 'support')
    else false
  end
);

-- Users who may write their own row keep their role.
create policy scope_update on lms.users
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then role <> 'admin'
    when 'supervisor' then
      centre_id = current_setting('app.centre_id')::uuid
      and role not in ('admin', 'finance', 'support')
    when 'tutor' then id = current_setting('app.user_id')::uuid and role = 'tutor'
    when 'student' then id = current_setting('app.user_id')::uuid and role = 'student'
    else false
  end
);

create policy scope_read on lms.staff
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'assessor' then true
    when 'tutor' then true
    when 'supervisor' then
      centre_id = current_setting('app.centre_id')::uuid
      or user_id = current_setting('app.user_id')::uuid
    else false
  end
);

create policy scope_insert on lms.staff
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.staff
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_read on lms.tutors
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'assessor' then true
    when 'parent' then true
    when 'student' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then user_id = current_setting('app.user_id')::uuid
    else false
  end
);

create policy scope_insert on lms.tutors
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.tutors
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then user_id = current_setting('app.user_id')::uuid
    else false
  end
);

create policy scope_read on lms.students
as restrictive for select to lms_application
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

create policy scope_insert on lms.students
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

-- A parent can change what the family decides. The interface limits the columns.
create policy scope_update on lms.students
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then id = any ((select lms.caller_tutored_students())::uuid[])
    when 'parent' then id = any ((select lms.caller_family())::uuid[])
    else false
  end
);

-- Parents see their own links only. Supervisors write the links of students of their centre.
create policy scope_read on lms.guardians
as restrictive for select to lms_application
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
    when 'tutor' then student_id = any ((select lms.caller_tutored_students())::uuid[])
    else false
  end
  or user_id = current_setting('app.user_id')::uuid
);

create policy scope_insert on lms.guardians
as restrictive for insert to lms_application
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

create policy scope_update on lms.guardians
as restrictive for update to lms_application
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
