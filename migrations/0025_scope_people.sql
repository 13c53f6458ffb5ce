-- Row scope of tenants, centres and the tables about people: restrictive policies, on top of the tenant's. Each CASE is the
-- interface's table "Who may do what" read downwards; which columns a role may see is the interface's business.
-- The role is an init-plan, looked up once for each statement. What an arm asks of the settings is not, because an
-- init-plan costs every statement its preparation, and most never come to that arm. Where the last arm asks for the
-- caller's own students, roles that have none get none.
set local role lms_owner;

create policy scope_read on lms.tenants
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

create policy scope_update on lms.tenants
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.centres
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

create policy scope_insert on lms.centres
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.centres
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

-- Everybody but nobody sees his own row: that is who is signed in.
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
    when 'student' then id = current_setting('app.user_id')::uuid
    when 'nobody' then false
    else
      id = current_setting('app.user_id')::uuid
      or id = any ((select lms.caller_student_users())::uuid[])
  end
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
    when 'tutor' then assigned_tutor_id = (select lms.caller_tutor())
    when 'parent' then id = any ((select lms.caller_students())::uuid[])
    when 'student' then user_id = current_setting('app.user_id')::uuid
    else false
  end
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

create policy scope_update on lms.students
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then assigned_tutor_id = (select lms.caller_tutor())
    else false
  end
);

-- A guardian has no centre: it is its student's, whose own policy is asked.
create policy scope_read on lms.guardians
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = guardians.tenant_id and s.id = guardians.student_id
    )
    when 'parent' then user_id = current_setting('app.user_id')::uuid
    else student_id = any ((select lms.caller_students())::uuid[])
  end
);

create policy scope_insert on lms.guardians
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = guardians.tenant_id and s.id = guardians.student_id
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
      select from lms.students as s where s.tenant_id = guardians.tenant_id and s.id = guardians.student_id
    )
    else false
  end
);
