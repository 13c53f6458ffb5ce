-- Row scope of the tables about people: restrictive policies, on top of the tenant's. Each CASE is the interface's table "Who
-- may do what" read downwards, first what the role gives, then what is one's own; which columns a role may see is the
-- interface's business. The role is an init-plan, looked up once for each statement. What an arm asks of the settings is not,
-- because an init-plan costs every statement its preparation, and most never come to that arm.

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

-- A supervisor makes nobody an admin, finance or support, who reach the whole tenant, and takes over none of their
-- accounts; support makes nobody an admin: their own reach would grow by it.
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

-- Those who may write their own row keep their role.
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

-- A parent sets what the family decides; which column that is, is the interface's business.
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

-- A parent sees the own link and nobody else's; a supervisor writes those of the centre's students.
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
