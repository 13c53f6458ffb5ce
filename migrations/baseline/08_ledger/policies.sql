-- Row scope of the book.

-- Money is the family's: a tutor sees none of the pupils'.
create policy scope_read on lms.finance_records
as restrictive for select to lms_application
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

create policy scope_insert on lms.finance_records
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

-- A line is within reach when its record is, whose own policy is asked.
create policy scope_read on lms.finance_lines
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    else exists (
      select from lms.finance_records as r where r.tenant_id = finance_lines.tenant_id and r.id = finance_lines.record_id
    )
  end
);

-- Totals are of everybody's records: who sees only some of a centre's has them summed one by one.
create policy scope_read on lms.finance_totals
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);
