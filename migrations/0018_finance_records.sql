-- Finance records: money in and out.
set local role lms_owner;

create table lms.finance_records (
  like lms_private.row_template including all,
  centre_id uuid not null,
  student_id uuid,
  tutor_id uuid,
  amount numeric not null
    constraint finance_records_amount_check check (
      amount not in ('NaN', 'Infinity', '-Infinity')
      and scale(amount) <= 4
      and abs(amount) < 1000000000000000
    ),
  currency text not null
    constraint finance_records_currency_check check (currency ~ '^[A-Z]{3}$'),
  type text not null
    constraint finance_records_type_check check (type in ('payment', 'salary', 'expense', 'reimbursement')),
  method text not null
    constraint finance_records_method_check check (method in ('card', 'cash', 'transfer')),
  reference text
    constraint finance_records_reference_check check (char_length(reference) <= 200),
  constraint finance_records_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint finance_records_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint finance_records_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create index idx_finance_centre_id
on lms.finance_records (tenant_id, centre_id)
where deleted_at is null;

create index idx_finance_records_student_id
on lms.finance_records (tenant_id, student_id)
where deleted_at is null;

create index idx_finance_records_tutor_id
on lms.finance_records (tenant_id, tutor_id)
where deleted_at is null;

comment on table lms.finance_records is 'Payments, payroll, expenses and reimbursements. Amounts never change and rows never go.';
comment on column lms.finance_records.amount is 'As entered, up to four decimals; negative in a reversal.';
comment on column lms.finance_records.currency is 'ISO 4217; the centre''s when none is given, and it stays if the centre''s changes.';

create function lms_private.default_currency() returns trigger
language plpgsql
as $$
begin
  if new.currency is null then
    select c.currency
    into new.currency
    from lms.centres as c
    where c.tenant_id = new.tenant_id
      and c.id = new.centre_id;
  end if;
  return new;
end
$$;

comment on function lms_private.default_currency is 'The centre''s currency, where none is given.';

create trigger default_currency
before insert on lms.finance_records
for each row execute function lms_private.default_currency();

call lms_private.adopt('finance_records', 'finance_record');

-- What is booked stays as it is: only the words about it may change.
grant select, insert, update (method, reference) on lms.finance_records to lms_application;
grant select on lms.finance_records to lms_refresher;
