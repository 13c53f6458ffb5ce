-- The ledger: records, the two journal entries of each, and totals by day, so that the balance of a centre
-- with a million records is computed from a few thousand rows.

create table lms_private.currencies (
  code text primary key
    constraint currencies_code_check check (code ~ '^[A-Z]{3}$'),
  digits integer not null
    constraint currencies_digits_check check (digits between 0 and 4)
);

comment on table lms_private.currencies is 'Currencies of ISO 4217. A test compares them with the list in the components.';
comment on column lms_private.currencies.digits is 'Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.';

grant select on lms_private.currencies to lms_application, lms_definer;

create table lms.finance_records (
  like lms_private.row_template including all,
  number bigint not null,
  centre_id uuid not null,
  student_id uuid,
  tutor_id uuid,
  amount numeric not null
    constraint finance_records_amount_check check (
      amount > 0
      and amount < 1000000000000000
      and scale(amount) <= 4
    ),
  currency text not null
    constraint finance_records_currency_check check (currency ~ '^[A-Z]{3}$'),
  type text not null
    constraint finance_records_type_check check (type in ('payment', 'salary', 'expense', 'reimbursement')),
  method text not null
    constraint finance_records_method_check check (method in ('card', 'cash', 'transfer')),
  effective_on date not null,
  reference text
    constraint finance_records_reference_check check (char_length(reference) <= 200),
  reverses_id uuid,
  constraint finance_records_number_key unique (tenant_id, number),
  constraint finance_records_number_check check (number > 0),
  constraint finance_records_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint finance_records_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint finance_records_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id),
  constraint finance_records_reverses_id_fkey
    foreign key (tenant_id, reverses_id) references lms.finance_records (tenant_id, id),
  constraint finance_records_student_id_check check (
    case type
      when 'payment' then student_id is not null
      when 'reimbursement' then true
      else student_id is null
    end
  ),
  constraint finance_records_tutor_id_check check (
    case type
      when 'salary' then tutor_id is not null
      when 'reimbursement' then student_id is null or tutor_id is null
      else tutor_id is null
    end
  ),
  constraint finance_records_deleted_at_check check (deleted_at is null)
);

create unique index finance_records_reverses_id_key
on lms.finance_records (tenant_id, reverses_id)
where reverses_id is not null;

create index idx_finance_records_effective_on
on lms.finance_records (tenant_id, effective_on, id)
where deleted_at is null;

create index idx_finance_records_student_id
on lms.finance_records (tenant_id, student_id);

create index idx_finance_records_tutor_id
on lms.finance_records (tenant_id, tutor_id);

create index idx_finance_centre_id
on lms.finance_records (tenant_id, centre_id);

comment on table lms.finance_records is
  'The ledger: payments, salaries, expenses and reimbursements. Append-only; each record has two journal entries.';
comment on column lms.finance_records.number is 'Gapless within the tenant, from 1, set by trigger.';
comment on column lms.finance_records.amount is 'Greater than zero, with the digits of its currency. A reversal counts negatively.';
comment on column lms.finance_records.currency is
  'ISO 4217. By default the centre''s currency; it does not change with the centre''s.';
comment on column lms.finance_records.effective_on is
  'The date on which the record takes effect; by default the current date in the centre''s time zone.';
comment on column lms.finance_records.reverses_id is
  'The record that this one reverses and repeats. A record is reversed at most once.';

call lms_private.register_table('finance_records', 'finance_record');

grant select, insert on lms.finance_records to lms_application;
grant select on lms.finance_records to lms_definer, lms_refresher;

create table lms.journal_entries (
  like lms_private.row_template including all,
  record_id uuid not null,
  account text not null
    constraint journal_entries_account_check check (
      account in (
        'card_clearing', 'cash', 'bank', 'tuition_income', 'salaries', 'expenses', 'reimbursements'
      )
    ),
  amount numeric not null,
  currency text not null
    constraint journal_entries_currency_check check (currency ~ '^[A-Z]{3}$'),
  constraint journal_entries_account_key unique (tenant_id, record_id, account),
  constraint journal_entries_record_id_fkey
    foreign key (tenant_id, record_id) references lms.finance_records (tenant_id, id)
);

comment on table lms.journal_entries is
  'The amounts that each finance record posts to accounts. Only a trigger of finance_records writes them.';
comment on column lms.journal_entries.account is
  'The chart of accounts: card_clearing, cash and bank hold money; tuition_income, salaries, expenses and reimbursements are its purposes.';
comment on column lms.journal_entries.amount is
  'Positive for a debit, negative for a credit; its absolute value is that of the record.';
comment on column lms.journal_entries.currency is 'The currency of the record.';

-- Journal entries have no events, because they can be derived from those of their record.
call lms_private.register_table('journal_entries', listed => false);

grant select on lms.journal_entries to lms_application;
grant select, insert on lms.journal_entries to lms_definer;

create table lms.finance_totals (
  like lms_private.row_template including all,
  centre_id uuid not null,
  effective_on date not null,
  currency text not null,
  type text not null,
  amount numeric not null,
  records bigint not null,
  constraint finance_totals_type_key unique (tenant_id, centre_id, effective_on, currency, type)
)
with (fillfactor = 50);

comment on table lms.finance_totals is
  'The sum of the finance records of a centre and day by currency and type. Maintained by a trigger of finance_records; lms.reconcile_finance compares it with the journal entries.';
comment on column lms.finance_totals.amount is 'Reversals count negatively, so it may be less than zero.';
comment on column lms.finance_totals.records is 'Number of records, including reversals.';

-- Totals have no events, because they can be derived from those of the records.
call lms_private.register_table('finance_totals', listed => false);

grant select on lms.finance_totals to lms_application;
grant select, insert, update on lms.finance_totals to lms_definer;
