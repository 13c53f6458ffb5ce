-- Row scope of the ledger.

-- Only the family sees its payments; a tutor sees none of the students'.
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

-- A journal entry is visible when its record is: the policy of finance_records applies to the sub-select.
create policy scope_read on lms.journal_entries
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    else exists (
      select from lms.finance_records as r where r.tenant_id = journal_entries.tenant_id and r.id = journal_entries.record_id
    )
  end
);

-- Totals cover all records of a centre. For callers who see only some of these, the records are
-- summed instead.
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
