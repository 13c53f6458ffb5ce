-- Row scope of assessments and gamification: they are visible to whoever works with the student.
-- Gamification is append-only.

create policy scope_read on lms.assessments
as restrictive for select to lms_application
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

create policy scope_insert on lms.assessments
as restrictive for insert to lms_application
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
    when 'tutor' then student_id = any ((select lms.caller_tutored_students())::uuid[])
    else false
  end
);

create policy scope_update on lms.assessments
as restrictive for update to lms_application
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
    when 'tutor' then student_id = any ((select lms.caller_tutored_students())::uuid[])
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
      select from lms.students as s
      where s.tenant_id = gamification.tenant_id
        and s.id = gamification.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    else false
  end
  or student_id = any ((select lms.caller_students())::uuid[])
);

create policy scope_insert on lms.gamification
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.students as s
      where s.tenant_id = gamification.tenant_id
        and s.id = gamification.student_id
        and s.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then student_id = any ((select lms.caller_tutored_students())::uuid[])
    else false
  end
);
