-- Payroll: the rates of tutors, the runs with the earnings of a centre's tutors in a month, first
-- as a draft and then posted once, and the lessons that have been paid.

create table lms.tutor_rates (
  like lms_private.row_template including all,
  tutor_id uuid not null,
  unit text not null
    constraint tutor_rates_unit_check check (unit in ('hour', 'lesson')),
  amount numeric not null
    constraint tutor_rates_amount_check check (amount >= 0 and amount < 1000000000000000),
  currency text not null
    constraint tutor_rates_currency_check check (currency ~ '^[A-Z]{3}$'),
  effective_from date not null,
  constraint tutor_rates_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

-- It also finds the rate of a date: the last one that begins no later.
create unique index tutor_rates_effective_from_key
on lms.tutor_rates (tenant_id, tutor_id, effective_from)
where deleted_at is null;

create index idx_tutor_rates_tutor_id
on lms.tutor_rates (tenant_id, tutor_id);

comment on table lms.tutor_rates is 'The pay of tutors. A rate applies from its date until the day before the tutor''s next rate.';
comment on column lms.tutor_rates.unit is
  'The unit of the amount: an hour of lessons, counted by the minute, or a lesson of any length.';
comment on column lms.tutor_rates.amount is 'With the digits of its currency; zero for a tutor who is not paid.';
comment on column lms.tutor_rates.currency is
  'ISO 4217. By default the currency of the tutor''s centre; it does not change with the centre''s.';
comment on column lms.tutor_rates.effective_from is 'In the time zone of the centre where the lesson takes place.';

call lms_private.register_table('tutor_rates', 'tutor_rate');
call lms_private.create_retention_index('tutor_rates');

grant select, insert, update on lms.tutor_rates to lms_application;

create table lms.payroll_runs (
  like lms_private.row_template including all,
  centre_id uuid not null,
  month date not null
    constraint payroll_runs_month_check check (extract(day from month) = 1),
  status text not null default 'draft'
    constraint payroll_runs_status_check check (status in ('draft', 'posted')),
  posted_at timestamptz
    constraint payroll_runs_posted_at_check check ((posted_at is not null) = (status = 'posted')),
  constraint payroll_runs_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index payroll_runs_month_key
on lms.payroll_runs (tenant_id, centre_id, month)
where deleted_at is null;

create index idx_payroll_runs_centre_id
on lms.payroll_runs (tenant_id, centre_id);

comment on table lms.payroll_runs is 'One run for each centre and month.';
comment on column lms.payroll_runs.month is 'The first day of the month, in the time zone of the centre.';
comment on column lms.payroll_runs.status is 'A draft is recomputed whenever it is requested; a posted run does not change.';

call lms_private.register_table('payroll_runs', 'payroll_run');

grant select, insert (centre_id, month), update (status, posted_at) on lms.payroll_runs to lms_application;

create table lms.payroll_items (
  like lms_private.row_template including all,
  run_id uuid not null,
  tutor_id uuid not null,
  finance_record_id uuid
    constraint payroll_items_finance_record_id_check check (finance_record_id is null or coalesce(amount, 0) > 0),
  currency text,
  lessons integer not null
    constraint payroll_items_lessons_check check (lessons > 0),
  minutes integer not null
    constraint payroll_items_minutes_check check (minutes >= 0),
  amount numeric
    constraint payroll_items_amount_check check (amount >= 0),
  first_on date not null,
  last_on date not null
    constraint payroll_items_last_on_check check (last_on >= first_on),
  rates jsonb not null
    constraint payroll_items_rates_check check (jsonb_typeof(rates) = 'array'),
  late_lessons jsonb not null default '[]'
    constraint payroll_items_late_lessons_check check (jsonb_typeof(late_lessons) = 'array'),
  problem text
    constraint payroll_items_problem_check check (problem in ('no_rate')),
  constraint payroll_items_currency_check check (
    case when problem is null then currency is not null and amount is not null
    else currency is null and amount is null end
  ),
  constraint payroll_items_run_id_fkey foreign key (tenant_id, run_id) references lms.payroll_runs (tenant_id, id),
  constraint payroll_items_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id),
  constraint payroll_items_finance_record_id_fkey
    foreign key (tenant_id, finance_record_id) references lms.finance_records (tenant_id, id)
);

create unique index payroll_items_tutor_id_key
on lms.payroll_items (tenant_id, run_id, tutor_id, coalesce(currency, ''))
where deleted_at is null;

-- PostgreSQL checks for items when a run, a tutor or a record is deleted, including deleted items,
-- so these indexes contain all of them.
create index idx_payroll_items_run_id
on lms.payroll_items (tenant_id, run_id);

create index idx_payroll_items_tutor_id
on lms.payroll_items (tenant_id, tutor_id);

create index idx_payroll_items_finance_record_id
on lms.payroll_items (tenant_id, finance_record_id)
where finance_record_id is not null;

comment on table lms.payroll_items is
  'The earnings of a tutor in a run: one row for each currency, and one for lessons without a rate.';
comment on column lms.payroll_items.finance_record_id is 'The salary that was posted for the item.';
comment on column lms.payroll_items.currency is 'The currency of the rates; null when there is no rate.';
comment on column lms.payroll_items.minutes is 'The sum of the whole minutes of each lesson, in elapsed time.';
comment on column lms.payroll_items.amount is 'The exact sum, rounded once, half up, to the digits of the currency.';
comment on column lms.payroll_items.first_on is
  'Date of the first lesson in the time zone of the centre; last_on is that of the last.';
comment on column lms.payroll_items.rates is
  'The rates that applied, each with its lessons: [{"unit", "amount", "effective_from", "lessons", "minutes"}].';
comment on column lms.payroll_items.late_lessons is
  'The lessons of earlier months, by month: [{"month", "lessons", "minutes", "first_on", "last_on"}].';
comment on column lms.payroll_items.problem is 'The reason why there is no amount: no_rate.';

call lms_private.register_table('payroll_items', 'payroll_item', listed => false);

grant select, insert, update on lms.payroll_items to lms_application;

create table lms.payroll_lessons (
  like lms_private.row_template including all,
  run_id uuid not null,
  occurrence_id uuid not null,
  tutor_id uuid not null,
  held_on date not null,
  minutes integer not null
    constraint payroll_lessons_minutes_check check (minutes >= 0),
  constraint payroll_lessons_run_id_fkey foreign key (tenant_id, run_id) references lms.payroll_runs (tenant_id, id),
  constraint payroll_lessons_occurrence_id_fkey
    foreign key (tenant_id, occurrence_id) references lms.occurrences (tenant_id, id),
  constraint payroll_lessons_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create unique index payroll_lessons_occurrence_id_key
on lms.payroll_lessons (tenant_id, occurrence_id);

create index idx_payroll_lessons_run_id
on lms.payroll_lessons (tenant_id, run_id);

create index idx_payroll_lessons_tutor_id
on lms.payroll_lessons (tenant_id, tutor_id);

comment on table lms.payroll_lessons is 'Lessons that posted runs have paid, each once. Append-only.';
comment on column lms.payroll_lessons.held_on is 'The date of the lesson in the time zone of the centre at the time of payment.';
comment on column lms.payroll_lessons.minutes is 'The whole minutes that were paid.';

call lms_private.register_table('payroll_lessons', 'payroll_lesson', listed => false);

grant select, insert on lms.payroll_lessons to lms_application;
