-- Double entry: two lines beneath each finance record, one on the account that the money moved on, one on what it was for. They sum
-- to zero for each currency, and a check at commit makes any other state impossible.
set local role lms_owner;

create table lms.finance_lines (
  like lms_private.row_template including all,
  record_id uuid not null,
  account text not null
    constraint finance_lines_account_check check (
      account in (
        'card_clearing', 'cash', 'bank', 'tuition_income', 'salaries', 'expenses', 'reimbursements'
      )
    ),
  amount numeric not null,
  currency text not null
    constraint finance_lines_currency_check check (currency ~ '^[A-Z]{3}$'),
  constraint finance_lines_account_key unique (tenant_id, record_id, account),
  constraint finance_lines_record_id_fkey foreign key (tenant_id, record_id) references lms.finance_records (tenant_id, id)
);

comment on table lms.finance_lines is 'What each finance record moved between accounts. Written by a trigger of the records alone.';
comment on column lms.finance_lines.account is
  'The chart of accounts: card_clearing, cash and bank hold money; tuition_income, salaries, expenses and reimbursements say what for.';
comment on column lms.finance_lines.amount is 'Above zero a debit, below zero a credit; of the size of its record''s.';
comment on column lms.finance_lines.currency is 'Its record''s.';

create function lms_private.book_amount(amount numeric, reverses_id uuid) returns numeric
language sql
immutable
parallel safe
return case when reverses_id is null then amount else -amount end;

comment on function lms_private.book_amount is 'What a finance record counts for: a reversal negatively.';

create function lms_private.money_account(method text) returns text
language sql
immutable
parallel safe
return case method when 'card' then 'card_clearing' when 'cash' then 'cash' when 'transfer' then 'bank' end;

create function lms_private.purpose_account(type text) returns text
language sql
immutable
parallel safe
return case type
  when 'payment' then 'tuition_income'
  when 'salary' then 'salaries'
  when 'expense' then 'expenses'
  when 'reimbursement' then 'reimbursements'
end;

comment on function lms_private.money_account is 'The account that money moves on by its method.';
comment on function lms_private.purpose_account is 'The account that says what money was for, by the record''s type.';

create function lms_private.line_amount(account text, method text, type text, amount numeric, reverses_id uuid) returns numeric
language sql
immutable
parallel safe
return case account
  when lms_private.money_account(method) then case
    when (type = 'payment') = (reverses_id is null) then amount
    else -amount
  end
  when lms_private.purpose_account(type) then case
    when (type = 'payment') = (reverses_id is null) then -amount
    else amount
  end
end;

comment on function lms_private.line_amount is
  'What a finance record puts on an account; null on one that it does not touch. A payment debits the account of its method and credits income, everything else the other way round, and a reversal takes its record back.';

create function lms_private.line_id(record_id uuid, account text) returns uuid
language sql
immutable
parallel safe
return encode(
  overlay(
    uuid_send(record_id)
    placing substring(sha256(uuid_send(record_id) || convert_to(account, 'UTF8')) for 4)
    from 13
  ),
  'hex'
)::uuid;

comment on function lms_private.line_id is
  'Follows from the record, as all of its lines does, so that they can be made again from the event log.';

create function lms_private.write_finance_lines() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.finance_lines (tenant_id, id, record_id, account, amount, currency)
  select
    n.tenant_id,
    lms_private.line_id(n.id, l.account),
    n.id,
    l.account,
    lms_private.line_amount(l.account, n.method, n.type, n.amount, n.reverses_id),
    n.currency
  from new_rows as n
  cross join lateral unnest(
    array[lms_private.money_account(n.method), lms_private.purpose_account(n.type)]
  ) as l (account);
  return null;
end
$$;

comment on function lms_private.write_finance_lines is 'The lines of new finance records.';

create function lms_private.check_finance_lines() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  record uuid;
  is_sound boolean;
begin
  if tg_argv[0] = 'record' then
    record := new.id;
  else
    record := new.record_id;
  end if;

  select
    count(*) = 2
    and sum(l.amount) = 0
    and bool_and(
      l.currency = r.currency
      and l.amount is not distinct from lms_private.line_amount(l.account, r.method, r.type, r.amount, r.reverses_id)
    )
  into is_sound
  from lms.finance_records as r
  join lms.finance_lines as l
    on l.tenant_id = r.tenant_id
    and l.record_id = r.id
  where r.tenant_id = new.tenant_id
    and r.id = record;

  if is_sound is not true then
    raise exception using
      errcode = '23514',
      message = format('The lines of the finance record %s do not carry its amount, or do not sum to zero.', record),
      table = 'finance_lines',
      constraint = 'finance_lines_balance_check';
  end if;
  return null;
end
$$;

comment on function lms_private.check_finance_lines is
  'At commit: a record has its two lines and no others, in its currency, and they sum to zero.';

alter function lms_private.write_finance_lines owner to lms_definer;
alter function lms_private.check_finance_lines owner to lms_definer;

grant execute on function lms_private.book_amount to lms_application, lms_definer, lms_refresher;
grant execute on function lms_private.money_account, lms_private.purpose_account, lms_private.line_amount, lms_private.line_id
to lms_definer;
grant select, insert on lms.finance_lines to lms_definer;
grant select on lms.finance_lines to lms_application;

-- No event of their own: the record's says all that they do.
call lms_private.adopt('finance_lines', listed => false);

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

create trigger write_lines
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.write_finance_lines();

create constraint trigger check_lines
after insert on lms.finance_records
deferrable initially deferred
for each row execute function lms_private.check_finance_lines('record');

create constraint trigger check_lines
after insert on lms.finance_lines
deferrable initially deferred
for each row execute function lms_private.check_finance_lines('line');

create trigger append_only
before update or delete or truncate on lms.finance_lines
for each statement execute function lms_private.forbid_change();

alter table lms.finance_lines enable always trigger append_only;
