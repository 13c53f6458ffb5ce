-- As 0277, for the book, rates and payroll.
-- contracts: indexes of live rows alone; each is made over all rows under its name, and no release names an index.
set local role lms_owner;

create index idx_finance_centre_id_full
on lms.finance_records (tenant_id, centre_id);

create index idx_tutor_rates_tutor_id
on lms.tutor_rates (tenant_id, tutor_id);

create index idx_payroll_runs_centre_id
on lms.payroll_runs (tenant_id, centre_id);

drop index lms.idx_finance_centre_id;

alter index lms.idx_finance_centre_id_full
rename to idx_finance_centre_id;
