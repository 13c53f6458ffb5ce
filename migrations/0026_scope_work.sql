-- Row scope of teaching, money, requests, stock, notifications and of what the platform keeps. As 0025.
set local role lms_owner;

create policy scope_read on lms.classes
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else student_ids ?| (select lms.caller_students())::text[]
  end
);

create policy scope_insert on lms.classes
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

create policy scope_update on lms.classes
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

-- An assessment or an award has no centre: it is its student's, whose own policy is asked.
create policy scope_read on lms.assessments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    when 'assessor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    else student_id = any ((select lms.caller_students())::uuid[])
  end
);

create policy scope_insert on lms.assessments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    when 'assessor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    when 'tutor' then student_id = any ((select lms.caller_students())::uuid[])
    else false
  end
);

create policy scope_update on lms.assessments
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    when 'assessor' then exists (
      select from lms.students as s where s.tenant_id = assessments.tenant_id and s.id = assessments.student_id
    )
    when 'tutor' then student_id = any ((select lms.caller_students())::uuid[])
    else false
  end
);

create policy scope_read on lms.gamification
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'assessor' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = gamification.tenant_id and s.id = gamification.student_id
    )
    else student_id = any ((select lms.caller_students())::uuid[])
  end
);

create policy scope_insert on lms.gamification
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = gamification.tenant_id and s.id = gamification.student_id
    )
    when 'tutor' then student_id = any ((select lms.caller_students())::uuid[])
    else false
  end
);

create policy scope_update on lms.gamification
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s where s.tenant_id = gamification.tenant_id and s.id = gamification.student_id
    )
    when 'tutor' then student_id = any ((select lms.caller_students())::uuid[])
    else false
  end
);

create policy scope_read on lms.finance_records
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then type = 'salary' and tutor_id = (select lms.caller_tutor())
    else student_id = any ((select lms.caller_students())::uuid[])
  end
);

create policy scope_insert on lms.finance_records
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_update on lms.finance_records
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_read on lms.requests
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then
      centre_id = current_setting('app.centre_id')::uuid
      or created_by = current_setting('app.user_id')::uuid
    when 'tutor' then
      created_by = current_setting('app.user_id')::uuid
      or assigned_to = (select lms.caller_staff())
    when 'nobody' then false
    else created_by = current_setting('app.user_id')::uuid
  end
);

-- Everybody who is signed in may ask; a supervisor in the own centre.
create policy scope_insert on lms.requests
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'nobody' then false
    else true
  end
);

create policy scope_update on lms.requests
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then
      created_by = current_setting('app.user_id')::uuid
      or assigned_to = (select lms.caller_staff())
    else false
  end
);

create policy scope_read on lms.inventory
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_insert on lms.inventory
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.inventory
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

-- A supervisor sends to the users of the centre, whose own policy is asked, and sees what they were sent.
create policy scope_read on lms.notifications
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.users as u where u.tenant_id = notifications.tenant_id and u.id = notifications.user_id
    )
    when 'nobody' then false
    else user_id = current_setting('app.user_id')::uuid
  end
);

create policy scope_insert on lms.notifications
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.users as u where u.tenant_id = notifications.tenant_id and u.id = notifications.user_id
    )
    else false
  end
);

create policy scope_update on lms.notifications
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.users as u where u.tenant_id = notifications.tenant_id and u.id = notifications.user_id
    )
    else false
  end
);

create policy scope_read on lms.event_log
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.event_heads
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

-- Sessions and idempotency keys are one's own, an admin's too.
create policy scope_all on lms.sessions
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

create policy scope_all on lms.idempotency_keys
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

create policy scope_read on lms.tenant_sequences
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

-- These are reached by the functions of sign-in alone. The application has no right on them at all; this is the second lock.
create policy scope_all on lms.refresh_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.one_use_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.sign_in_failures
as restrictive for all to lms_application
using (false);
