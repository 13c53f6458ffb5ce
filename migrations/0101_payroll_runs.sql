-- Payroll runs: what the tutors of a centre have earned in a month, first as a draft, then booked, once.
set local role lms_owner;

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

comment on table lms.payroll_runs is 'One for each centre and month.';
comment on column lms.payroll_runs.month is 'Its first day, on the calendar of the centre.';
comment on column lms.payroll_runs.status is 'A draft is computed anew whenever it is asked for; what is posted stays as it is.';

create table lms.payroll_items (
  like lms_private.row_template including all,
  run_id uuid not null,
  tutor_id uuid not null,
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
  problem text
    constraint payroll_items_problem_check check (problem in ('no_rate')),
  finance_record_id uuid
    constraint payroll_items_finance_record_id_check check (finance_record_id is null or coalesce(amount, 0) > 0),
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

comment on table lms.payroll_items is
  'What a tutor has earned in a run, one row for each currency, and one for lessons that no rate covers.';
comment on column lms.payroll_items.currency is 'The rates''; null where there is no rate.';
comment on column lms.payroll_items.minutes is 'Whole minutes of each lesson, added up, whatever the clock on the wall did meanwhile.';
comment on column lms.payroll_items.amount is 'The exact sum, rounded once, half up, to the smallest coin of the currency.';
comment on column lms.payroll_items.first_on is 'Day of the first of the lessons, on the calendar of the centre; last_on of the last.';
comment on column lms.payroll_items.rates is
  'The rates as they were, each with its lessons: [{"unit", "amount", "effective_from", "lessons", "minutes"}].';
comment on column lms.payroll_items.problem is 'Why there is no amount: no_rate.';
comment on column lms.payroll_items.finance_record_id is 'The salary that was booked for it.';

create function lms_private.keep_posted_run() returns trigger
language plpgsql
as $$
begin
  if old.status = 'posted' then
    raise exception using errcode = '42501', message = 'A payroll run that is posted stays as it is.';
  end if;
  return new;
end
$$;

comment on function lms_private.keep_posted_run is 'Refuses to change what is posted, whoever asks.';

create trigger keep_posted_run
before update on lms.payroll_runs
for each row execute function lms_private.keep_posted_run();

create function lms_private.keep_posted_items() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'UPDATE' then
    -- Posting links each item to its record, once.
    if old.finance_record_id is null
      and new.finance_record_id is not null
      and (old.run_id, old.tutor_id, old.currency, old.lessons, old.minutes, old.amount, old.first_on, old.last_on, old.rates,
        old.problem, old.deleted_at)
      is not distinct from
        (new.run_id, new.tutor_id, new.currency, new.lessons, new.minutes, new.amount, new.first_on, new.last_on, new.rates,
        new.problem, new.deleted_at)
    then
      return new;
    end if;
  end if;
  if exists (
    select
    from lms.payroll_runs as r
    where r.tenant_id = new.tenant_id
      and r.id = new.run_id
      and r.status = 'posted'
  ) then
    raise exception using errcode = '42501', message = 'A payroll run that is posted stays as it is.';
  end if;
  return new;
end
$$;

comment on function lms_private.keep_posted_items is 'Refuses to change the items of what is posted, but for the link to their record.';

create trigger keep_posted_items
before insert or update on lms.payroll_items
for each row execute function lms_private.keep_posted_items();

call lms_private.adopt('payroll_runs', 'payroll_run');
call lms_private.adopt('payroll_items', 'payroll_item', listed => false);

grant select, insert (centre_id, month), update (status, posted_at) on lms.payroll_runs to lms_application;
grant select, insert, update on lms.payroll_items to lms_application;

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

-- An item has no centre: it is its run's, whose own policy is asked.
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
