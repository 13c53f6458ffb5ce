-- Finance records become a book: numbered without gaps, dated, only ever added to. A mistake is reversed by a linked record.
set local role lms_owner;

alter table lms.finance_records
  add column number bigint,
  add column effective_on date,
  add column reverses_id uuid;

-- What earlier releases hold stays in the book. An amount below zero said that money went the other way: in is a payment, out a
-- reimbursement. None of them let anybody delete.
alter table lms.finance_records no force row level security;
alter table lms.centres no force row level security;
alter table lms.tenant_sequences no force row level security;

alter table lms.finance_records drop constraint finance_records_amount_check;

update lms.finance_records as r
set
  number = o.number,
  effective_on = (r.created_at at time zone o.time_zone)::date,
  type = case
    when r.amount >= 0 then r.type
    when r.type = 'payment' then 'reimbursement'
    else 'payment'
  end,
  amount = abs(r.amount),
  deleted_at = null
from (
  select
    f.tenant_id,
    f.id,
    c.time_zone,
    row_number() over (partition by f.tenant_id order by f.created_at, f.id) as number
  from lms.finance_records as f
  join lms.centres as c
    on c.tenant_id = f.tenant_id
    and c.id = f.centre_id
) as o
where o.tenant_id = r.tenant_id
  and o.id = r.id;

insert into lms.tenant_sequences (tenant_id, name, next_value)
select r.tenant_id, 'finance_records', max(r.number) + 1
from lms.finance_records as r
group by r.tenant_id;

-- Not valid where a row of an earlier release may say less than is asked for now.
alter table lms.finance_records
  alter column number set not null,
  alter column effective_on set not null,
  add constraint finance_records_amount_check check (
    amount > 0
    and amount < 1000000000000000
    and scale(amount) <= 4
  ) not valid,
  add constraint finance_records_student_id_check check (
    case type
      when 'payment' then student_id is not null
      when 'reimbursement' then true
      else student_id is null
    end
  ) not valid,
  add constraint finance_records_tutor_id_check check (
    case type
      when 'salary' then tutor_id is not null
      when 'reimbursement' then student_id is null or tutor_id is null
      else tutor_id is null
    end
  ) not valid,
  add constraint finance_records_deleted_at_check check (deleted_at is null),
  add constraint finance_records_number_key unique (tenant_id, number),
  add constraint finance_records_reverses_id_fkey
    foreign key (tenant_id, reverses_id) references lms.finance_records (tenant_id, id);

alter table lms.finance_records force row level security;
alter table lms.centres force row level security;
alter table lms.tenant_sequences force row level security;

create unique index finance_records_reverses_id_key
on lms.finance_records (tenant_id, reverses_id)
where reverses_id is not null;

create index idx_finance_records_effective_on
on lms.finance_records (tenant_id, effective_on, id)
where deleted_at is null;

comment on table lms.finance_records is
  'The book: payments, salaries, expenses and reimbursements. Only ever added to; beneath each record stand its finance_lines.';
comment on column lms.finance_records.number is 'Gapless within the tenant, from 1, by trigger.';
comment on column lms.finance_records.effective_on is 'The day it counts for; today in the centre''s time zone when none is given.';
comment on column lms.finance_records.reverses_id is 'The record that this one takes back, whose amount it repeats. At most one does.';
comment on column lms.finance_records.amount is 'Above zero, with the digits of its currency; a reversal counts negatively.';

create function lms_private.complete_finance_record() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  digits integer;
begin
  if new.tenant_id is distinct from nullif(current_setting('app.tenant_id', true), '')::uuid then
    raise exception using errcode = '42501', message = 'A finance record is written in the context of its tenant.';
  end if;

  select
    coalesce(new.currency, c.currency),
    coalesce(new.effective_on, (now() at time zone c.time_zone)::date),
    m.digits
  into new.currency, new.effective_on, digits
  from lms.centres as c
  left join lms_private.currencies as m
    on m.code = coalesce(new.currency, c.currency)
  where c.tenant_id = new.tenant_id
    and c.id = new.centre_id;
  if not found then
    raise exception using
      errcode = 'LM422', message = 'There is no such thing here.', column = 'centre_id', detail = new.id::text;
  end if;
  if digits is null then
    raise exception using
      errcode = 'LM422', message = 'There is no such currency.', column = 'currency', detail = new.id::text;
  end if;
  if new.amount <> round(new.amount, digits) then
    raise exception using
      errcode = 'LM422',
      message = format('An amount in %s has at most %s digits behind the point.', new.currency, digits),
      column = 'amount',
      detail = new.id::text;
  end if;

  new.amount := round(new.amount, digits);
  return new;
end
$$;

comment on function lms_private.complete_finance_record is
  'Currency and day where none is given, the amount''s digits by its currency.';

create function lms_private.check_reversal() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  original lms.finance_records;
begin
  select r.*
  into original
  from lms.finance_records as r
  where r.tenant_id = new.tenant_id
    and r.id = new.reverses_id;
  if not found then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'reverses_id';
  end if;
  if original.reverses_id is not null then
    raise exception using
      errcode = 'LM409', message = 'This record is itself a reversal, which cannot be reversed. Create the record anew.';
  end if;
  if exists (
    select from lms.finance_records as r
    where r.tenant_id = new.tenant_id
      and r.reverses_id = new.reverses_id
  ) then
    raise exception using errcode = 'LM409', message = 'This record has been reversed already.';
  end if;
  if (new.centre_id, new.student_id, new.tutor_id, new.amount, new.currency, new.type, new.method)
    is distinct from (
      original.centre_id, original.student_id, original.tutor_id, original.amount, original.currency, original.type,
      original.method
    )
  then
    raise exception using
      errcode = 'LM422', message = 'A reversal repeats the record that it takes back.', column = 'reverses_id';
  end if;
  if new.effective_on < original.effective_on then
    raise exception using
      errcode = 'LM422',
      message = format('The record is of %s; it cannot be reversed before that.', original.effective_on),
      column = 'effective_on';
  end if;
  return new;
end
$$;

comment on function lms_private.check_reversal is
  'A record is reversed at most once, by one that is like it, and a reversal not at all.';

alter function lms_private.complete_finance_record owner to lms_definer;
alter function lms_private.check_reversal owner to lms_definer;

drop trigger default_currency on lms.finance_records;
drop function lms_private.default_currency();

create trigger complete_record
before insert on lms.finance_records
for each row execute function lms_private.complete_finance_record();

-- By its name it comes behind complete_record, which gives the day.
create trigger complete_reversal
before insert on lms.finance_records
for each row
when (new.reverses_id is not null)
execute function lms_private.check_reversal();

create trigger give_number
before insert on lms.finance_records
for each row execute function lms_private.give_number('finance_records');

-- Named to fire behind the trigger that records the statement.
create trigger then_keep_numbers
after insert on lms.finance_records
for each statement execute function lms_private.keep_given_numbers('finance_records');

create trigger append_only
before update or delete or truncate on lms.finance_records
for each statement execute function lms_private.forbid_change();

-- Whoever switches triggers off, to restore a backup or to replay the log, only adds too.
alter table lms.finance_records enable always trigger append_only;

revoke update (method, reference) on lms.finance_records from lms_application;
drop policy scope_update on lms.finance_records;
grant select on lms.finance_records to lms_definer;
