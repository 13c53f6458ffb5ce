-- Balances and reconciliation of the ledger: totals are compared with records and journal entries.

create function lms.finance_summary(
  currency text,
  payments numeric,
  salaries numeric,
  expenses numeric,
  reimbursements numeric,
  records numeric
) returns json
language sql
stable
parallel safe
return json_build_object(
  'currency', currency,
  'payments', lms.money(coalesce(payments, 0), currency),
  'salaries', lms.money(coalesce(salaries, 0), currency),
  'expenses', lms.money(coalesce(expenses, 0), currency),
  'reimbursements', lms.money(coalesce(reimbursements, 0), currency),
  'net', lms.money(
    coalesce(payments, 0) - coalesce(salaries, 0) - coalesce(expenses, 0) - coalesce(reimbursements, 0), currency
  ),
  'records', coalesce(records, 0)
);

comment on function lms.finance_summary is
  'The totals of one currency as the interface shows them; net is payments less everything else.';

grant execute on function lms.finance_summary to lms_application, lms_definer;

create function lms.reconcile_finance(centre uuid default null)
returns table (
  centre_id uuid,
  currency text,
  by_totals json,
  by_records json,
  by_journal_entries json,
  sum_of_journal_entries text,
  wrong_journal_entries bigint,
  missing_journal_entries bigint,
  consistent boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- The whole ledger, up to a million records, is joined with its journal entries in memory.
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  reach constant uuid := case current_setting('app.role')
    when 'supervisor' then current_setting('app.centre_id')::uuid
    else centre
  end;
begin
  if current_setting('app.role') not in ('admin', 'finance', 'supervisor')
    or (centre is not null and centre is distinct from reach)
  then
    return;
  end if;

  return query
    with of_entries as (
      select
        r.centre_id,
        e.currency,
        -sum(e.amount) filter (where e.account = 'tuition_income') as payments,
        sum(e.amount) filter (where e.account = 'salaries') as salaries,
        sum(e.amount) filter (where e.account = 'expenses') as expenses,
        sum(e.amount) filter (where e.account = 'reimbursements') as reimbursements,
        count(*) filter (where e.account in ('tuition_income', 'salaries', 'expenses', 'reimbursements')) as records,
        count(*) as entries,
        sum(e.amount) as balance,
        count(*) filter (
          where e.currency <> r.currency
            or e.amount is distinct from lms_private.journal_amount(e.account, r.method, r.type, r.amount, r.reverses_id)
        ) as wrong
      from lms.journal_entries as e
      join lms.finance_records as r
        on r.tenant_id = e.tenant_id
        and r.id = e.record_id
      where r.tenant_id = tenant
        and (reach is null or r.centre_id = reach)
      group by r.centre_id, e.currency
    ), of_records as (
      select
        b.centre_id,
        b.currency,
        sum(b.amount) filter (where b.type = 'payment') as payments,
        sum(b.amount) filter (where b.type = 'salary') as salaries,
        sum(b.amount) filter (where b.type = 'expense') as expenses,
        sum(b.amount) filter (where b.type = 'reimbursement') as reimbursements,
        sum(b.records) as records
      from (
        select
          r.centre_id,
          r.currency,
          r.type,
          sum(lms.signed_amount(r.amount, r.reverses_id)) as amount,
          count(*) as records
        from lms.finance_records as r
        where r.tenant_id = tenant
          and (reach is null or r.centre_id = reach)
        group by r.centre_id, r.currency, r.type
      ) as b
      group by b.centre_id, b.currency
    ), of_totals as (
      select
        t.centre_id,
        t.currency,
        sum(t.amount) filter (where t.type = 'payment') as payments,
        sum(t.amount) filter (where t.type = 'salary') as salaries,
        sum(t.amount) filter (where t.type = 'expense') as expenses,
        sum(t.amount) filter (where t.type = 'reimbursement') as reimbursements,
        sum(t.records) as records
      from lms.finance_totals as t
      where t.tenant_id = tenant
        and (reach is null or t.centre_id = reach)
      group by t.centre_id, t.currency
    ), compared as (
      select
        centre_id,
        currency,
        lms.finance_summary(currency, t.payments, t.salaries, t.expenses, t.reimbursements, t.records) as by_totals,
        lms.finance_summary(currency, r.payments, r.salaries, r.expenses, r.reimbursements, r.records) as by_records,
        lms.finance_summary(currency, e.payments, e.salaries, e.expenses, e.reimbursements, e.records) as by_journal_entries,
        lms.money(coalesce(e.balance, 0), currency) as balance,
        coalesce(e.wrong, 0) as wrong,
        2 * coalesce(r.records, 0)::bigint - coalesce(e.entries, 0) as missing
      from of_totals as t
      full join of_records as r using (centre_id, currency)
      full join of_entries as e using (centre_id, currency)
    )
    select
      c.centre_id,
      c.currency,
      c.by_totals,
      c.by_records,
      c.by_journal_entries,
      c.balance,
      c.wrong,
      c.missing,
      c.by_totals::text = c.by_records::text
        and c.by_records::text = c.by_journal_entries::text
        and c.balance::numeric = 0
        and c.wrong = 0
        and c.missing = 0
    from compared as c
    order by c.centre_id, c.currency;
end
$$;

comment on function lms.reconcile_finance is
  'The totals of each centre and currency that the caller reaches, computed three times: from the totals, from the records and from the journal entries.';

alter function lms.reconcile_finance owner to lms_definer;
grant execute on function lms.reconcile_finance to lms_application;

create function lms.missing_finance_numbers() returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(max(r.number), 0) - count(*)
  from lms.finance_records as r
  where r.tenant_id = current_setting('app.tenant_id')::uuid;
end;

comment on function lms.missing_finance_numbers is 'How many numbers of the context''s tenant are missing; it should be zero.';

alter function lms.missing_finance_numbers owner to lms_definer;
grant execute on function lms.missing_finance_numbers to lms_application;
