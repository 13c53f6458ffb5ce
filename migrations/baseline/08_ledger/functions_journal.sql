-- Double-entry bookkeeping: each finance record has two journal entries, one on the account that the money
-- moved on and one on the account of its purpose. They sum to zero in each currency, which a check
-- at commit enforces. Totals by centre and day are maintained with them.

create function lms.signed_amount(amount numeric, reverses_id uuid) returns numeric
language sql
immutable
parallel safe
return case when reverses_id is null then amount else -amount end;

comment on function lms.signed_amount is 'The amount of a finance record with its sign: a reversal counts negatively.';

grant execute on function lms.signed_amount to lms_application, lms_definer, lms_refresher;

create function lms_private.money_account(method text) returns text
language sql
immutable
parallel safe
return case method when 'card' then 'card_clearing' when 'cash' then 'cash' when 'transfer' then 'bank' end;

comment on function lms_private.money_account is 'The account on which money moves, by method.';

grant execute on function lms_private.money_account to lms_definer;

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

comment on function lms_private.purpose_account is 'The account of the purpose, by the type of the record.';

grant execute on function lms_private.purpose_account to lms_definer;

create function lms_private.journal_amount(account text, method text, type text, amount numeric, reverses_id uuid) returns numeric
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

comment on function lms_private.journal_amount is
  'The amount that a finance record posts to an account; null when it does not use the account. A payment debits the account of its method and credits income; all other types do the opposite, and a reversal undoes its record.';

grant execute on function lms_private.journal_amount to lms_definer;

create function lms_private.journal_entry_id(record_id uuid, account text) returns uuid
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

comment on function lms_private.journal_entry_id is
  'The id of a journal entry, derived from its record and account, so that entries can be rebuilt from the event log.';

grant execute on function lms_private.journal_entry_id to lms_definer;

create function lms_private.post_journal_entries() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.journal_entries (tenant_id, id, record_id, account, amount, currency)
  select
    n.tenant_id,
    lms_private.journal_entry_id(n.id, a.account),
    n.id,
    a.account,
    lms_private.journal_amount(a.account, n.method, n.type, n.amount, n.reverses_id),
    n.currency
  from new_rows as n
  cross join lateral unnest(
    array[lms_private.money_account(n.method), lms_private.purpose_account(n.type)]
  ) as a (account);
  return null;
end
$$;

comment on function lms_private.post_journal_entries is 'Posts the journal entries of new finance records.';

alter function lms_private.post_journal_entries owner to lms_definer;

create function lms_private.check_journal_entries() returns trigger
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
    and sum(e.amount) = 0
    and bool_and(
      e.currency = r.currency
      and e.amount is not distinct from lms_private.journal_amount(e.account, r.method, r.type, r.amount, r.reverses_id)
    )
  into is_sound
  from lms.finance_records as r
  join lms.journal_entries as e
    on e.tenant_id = r.tenant_id
    and e.record_id = r.id
  where r.tenant_id = new.tenant_id
    and r.id = record;

  if is_sound is not true then
    raise exception using
      errcode = '23514',
      message = format('The journal entries of the finance record %s do not have its amount, or do not sum to zero.', record),
      table = 'journal_entries',
      constraint = 'journal_entries_balance_check';
  end if;
  return null;
end
$$;

comment on function lms_private.check_journal_entries is
  'At commit: checks that a record has exactly its two journal entries, in its currency, and that they sum to zero.';

alter function lms_private.check_journal_entries owner to lms_definer;

create function lms_private.maintain_finance_totals() returns trigger
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
    sum(lms.signed_amount(n.amount, n.reverses_id)),
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

comment on function lms_private.maintain_finance_totals is 'Adds new finance records to the totals of their centre and day.';

alter function lms_private.maintain_finance_totals owner to lms_definer;

create procedure lms_private.rebuild_ledger()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.journal_entries (
    tenant_id, id, record_id, account, amount, currency, created_at, updated_at, created_by, updated_by
  )
  select
    r.tenant_id,
    lms_private.journal_entry_id(r.id, a.account),
    r.id,
    a.account,
    lms_private.journal_amount(a.account, r.method, r.type, r.amount, r.reverses_id),
    r.currency,
    r.created_at,
    r.created_at,
    r.created_by,
    r.created_by
  from lms.finance_records as r
  cross join lateral unnest(
    array[lms_private.money_account(r.method), lms_private.purpose_account(r.type)]
  ) as a (account)
  on conflict (tenant_id, record_id, account) do nothing;

  insert into lms.finance_totals as t (tenant_id, centre_id, effective_on, currency, type, amount, records)
  select
    r.tenant_id,
    r.centre_id,
    r.effective_on,
    r.currency,
    r.type,
    sum(lms.signed_amount(r.amount, r.reverses_id)),
    count(*)
  from lms.finance_records as r
  group by r.tenant_id, r.centre_id, r.effective_on, r.currency, r.type
  on conflict (tenant_id, centre_id, effective_on, currency, type) do update
  set
    amount = excluded.amount,
    records = excluded.records;
end
$$;

comment on procedure lms_private.rebuild_ledger is
  'Rebuilds the journal entries and totals of records that were restored or replayed while triggers were off. For a role that sees all tenants.';
