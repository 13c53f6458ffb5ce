-- A payroll item refers to a run, a tutor and a finance record. PostgreSQL looks for the items of a row that goes, deleted items included,
-- so these indexes have all of them.
set local role lms_owner;

create index idx_payroll_items_run_id
on lms.payroll_items (tenant_id, run_id);

create index idx_payroll_items_tutor_id
on lms.payroll_items (tenant_id, tutor_id);

create index idx_payroll_items_finance_record_id
on lms.payroll_items (tenant_id, finance_record_id)
where finance_record_id is not null;
