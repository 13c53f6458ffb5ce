-- Row scope of rates, payroll runs and their items.

-- A rate has no centre, so the policy of its tutor applies.
create policy scope_read on lms.tutor_rates
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then exists (
      select from lms.tutors as t where t.tenant_id = tutor_rates.tenant_id and t.id = tutor_rates.tutor_id
    )
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

create policy scope_insert on lms.tutor_rates
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_update on lms.tutor_rates
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_read on lms.payroll_runs
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_insert on lms.payroll_runs
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_update on lms.payroll_runs
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'finance'));

-- An item has no centre, so the policy of its run applies.
create policy scope_read on lms.payroll_items
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then exists (
      select from lms.payroll_runs as r where r.tenant_id = payroll_items.tenant_id and r.id = payroll_items.run_id
    )
    else false
  end
);

create policy scope_insert on lms.payroll_items
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_update on lms.payroll_items
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_read on lms.payroll_lessons
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then exists (
      select from lms.payroll_runs as r where r.tenant_id = payroll_lessons.tenant_id and r.id = payroll_lessons.run_id
    )
    else false
  end
);

create policy scope_insert on lms.payroll_lessons
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));
