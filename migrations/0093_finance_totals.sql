-- Totals of the book by day, so that the balance of a centre with a million records is read from a few thousand rows.
set local role lms_owner;

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
  'The sum of the finance records of a centre and a day, by currency and type. Kept by a trigger of the records; proven from the lines by lms.reconcile_finance.';
comment on column lms.finance_totals.amount is 'Reversals count negatively, so it may be below zero.';
comment on column lms.finance_totals.records is 'Reversals are records too.';

create function lms_private.keep_finance_totals() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.finance_totals as t (tenant_id, centre_id, effective_on, currency, type, amount, records)
  select
    n.tenant_id,
    n.centre_id,
    n.effective_on,
    n.currency,
    n.type,
    sum(lms_private.book_amount(n.amount, n.reverses_id)),
    count(*)
  from new_rows as n
  group by n.tenant_id, n.centre_id, n.effective_on, n.currency, n.type
  on conflict (tenant_id, centre_id, effective_on, currency, type) do update
  set
    amount = t.amount + excluded.amount,
    records = t.records + excluded.records;
  return null;
end
$$;

comment on function lms_private.keep_finance_totals is 'Adds new finance records to the totals of their centre and day.';

alter function lms_private.keep_finance_totals owner to lms_definer;

grant select, insert, update on lms.finance_totals to lms_definer;
grant select on lms.finance_totals to lms_application;

-- No events: they follow from those of the records.
call lms_private.adopt('finance_totals', listed => false);

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

create trigger keep_totals
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.keep_finance_totals();

create procedure lms_private.derive_finance()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.finance_lines (
    tenant_id, id, record_id, account, amount, currency, created_at, updated_at, created_by, updated_by
  )
  select
    r.tenant_id,
    lms_private.line_id(r.id, l.account),
    r.id,
    l.account,
    lms_private.line_amount(l.account, r.method, r.type, r.amount, r.reverses_id),
    r.currency,
    r.created_at,
    r.created_at,
    r.created_by,
    r.created_by
  from lms.finance_records as r
  cross join lateral unnest(
    array[lms_private.money_account(r.method), lms_private.purpose_account(r.type)]
  ) as l (account)
  on conflict (tenant_id, record_id, account) do nothing;

  insert into lms.finance_totals as t (tenant_id, centre_id, effective_on, currency, type, amount, records)
  select
    r.tenant_id,
    r.centre_id,
    r.effective_on,
    r.currency,
    r.type,
    sum(lms_private.book_amount(r.amount, r.reverses_id)),
    count(*)
  from lms.finance_records as r
  group by r.tenant_id, r.centre_id, r.effective_on, r.currency, r.type
  on conflict (tenant_id, centre_id, effective_on, currency, type) do update
  set
    amount = excluded.amount,
    records = excluded.records;
end
$$;

comment on procedure lms_private.derive_finance is
  'Makes the lines and totals of records that came in while triggers were off: by a restore, by a replay of the log, before 0092. For whoever sees all tenants.';

-- Records of earlier releases. Their lines are as old as they are.
alter table lms.finance_records no force row level security;
alter table lms.finance_lines no force row level security;
alter table lms.finance_totals no force row level security;
alter table lms.finance_lines disable trigger stamp;
call lms_private.derive_finance();
-- The table cannot be altered while checks of it are left for the end.
set constraints all immediate;
alter table lms.finance_lines enable trigger stamp;
alter table lms.finance_totals force row level security;
alter table lms.finance_lines force row level security;
alter table lms.finance_records force row level security;
