-- for finance
-- finance-records.reverse
with r as (
  insert into lms.finance_records as r (
    id, centre_id, student_id, tutor_id, amount, currency, type, method, reference, effective_on, reverses_id
  )
  select
    ($1->>'reversal_id')::uuid,
    o.centre_id,
    o.student_id,
    o.tutor_id,
    o.amount,
    o.currency,
    o.type,
    o.method,
    $1->'input'->>'reference',
    coalesce(
      ($1->'input'->>'effective_on')::date,
      greatest(o.effective_on, lms.today_in(c.time_zone))
    ),
    o.id
  from lms.finance_records as o
  join lms.centres as c
    on c.id = o.centre_id
  where o.id = ($1->>'id')::uuid
    and o.deleted_at is null
  returning r.id, r.number, r.centre_id, r.type, r.student_id, r.tutor_id, r.amount, r.currency, r.method, r.reference, r.effective_on, r.reverses_id, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- finance-records.reverse
with r as (
  insert into lms.finance_records as r (
    id, centre_id, student_id, tutor_id, amount, currency, type, method, reference, effective_on, reverses_id
  )
  select
    ($1->>'reversal_id')::uuid,
    o.centre_id,
    o.student_id,
    o.tutor_id,
    o.amount,
    o.currency,
    o.type,
    o.method,
    $1->'input'->>'reference',
    coalesce(
      ($1->'input'->>'effective_on')::date,
      greatest(o.effective_on, lms.today_in(c.time_zone))
    ),
    o.id
  from lms.finance_records as o
  join lms.centres as c
    on c.id = o.centre_id
  where o.id = ($1->>'id')::uuid
    and o.deleted_at is null
  returning r.id, r.number, r.centre_id, r.type, r.student_id, r.tutor_id, r.amount, r.currency, r.method, r.reference, r.effective_on, r.reverses_id, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- finance-records.journal-entries
select
  json_build_object(
    'data', (
      select coalesce(
        json_agg(
          json_build_object('id', e.id, 'account', e.account, 'amount', e.amount::text, 'currency', e.currency)
          order by e.amount desc
        ),
        '[]'
      )
      from lms.journal_entries as e
      where e.record_id = r.id
    )
  )::text as body,
  null::text as tag
from lms.finance_records as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for student, parent
-- finance-records.balance
select
  json_build_object(
    'data', coalesce(
      json_agg(
        lms.finance_summary(b.currency, b.payments, b.salaries, b.expenses, b.reimbursements, b.records)
        order by b.currency
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from (
  select
    s.currency,
    sum(s.amount) filter (where s.type = 'payment') as payments,
    sum(s.amount) filter (where s.type = 'salary') as salaries,
    sum(s.amount) filter (where s.type = 'expense') as expenses,
    sum(s.amount) filter (where s.type = 'reimbursement') as reimbursements,
    sum(s.records) as records
  from (
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where r.student_id = any ((select lms.caller_students())::uuid[])
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
  ) as s
  where ((select $1->>'type') is null or s.type = (select $1->>'type'))
    and ((select $1->>'currency') is null or s.currency = (select $1->>'currency'))
  group by s.currency
) as b;

-- for tutor
-- finance-records.balance
select
  json_build_object(
    'data', coalesce(
      json_agg(
        lms.finance_summary(b.currency, b.payments, b.salaries, b.expenses, b.reimbursements, b.records)
        order by b.currency
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from (
  select
    s.currency,
    sum(s.amount) filter (where s.type = 'payment') as payments,
    sum(s.amount) filter (where s.type = 'salary') as salaries,
    sum(s.amount) filter (where s.type = 'expense') as expenses,
    sum(s.amount) filter (where s.type = 'reimbursement') as reimbursements,
    sum(s.records) as records
  from (
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where r.tutor_id = (select lms.caller_tutor())
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
    union all
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where r.student_id = any ((select lms.caller_family())::uuid[])
      and ((select $1->>'student_id') is null or r.student_id = (select ($1->>'student_id')::uuid))
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
  ) as s
  where ((select $1->>'type') is null or s.type = (select $1->>'type'))
    and ((select $1->>'currency') is null or s.currency = (select $1->>'currency'))
  group by s.currency
) as b;

-- for supervisor, finance, admin
-- finance-records.balance
select
  json_build_object(
    'data', coalesce(
      json_agg(
        lms.finance_summary(b.currency, b.payments, b.salaries, b.expenses, b.reimbursements, b.records)
        order by b.currency
      ),
      '[]'
    )
  )::text as body,
  null::text as tag
from (
  select
    s.currency,
    sum(s.amount) filter (where s.type = 'payment') as payments,
    sum(s.amount) filter (where s.type = 'salary') as salaries,
    sum(s.amount) filter (where s.type = 'expense') as expenses,
    sum(s.amount) filter (where s.type = 'reimbursement') as reimbursements,
    sum(s.records) as records
  from (
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where r.student_id = (select ($1->>'student_id')::uuid)
      and ((select $1->>'tutor_id') is null or r.tutor_id = (select ($1->>'tutor_id')::uuid))
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
    union all
    select
      r.currency,
      r.type,
      lms.signed_amount(r.amount, r.reverses_id) as amount,
      1 as records
    from lms.finance_records as r
    where r.tutor_id = (select ($1->>'tutor_id')::uuid)
      and (select $1->>'student_id') is null
      and r.deleted_at is null
      and ((select $1->>'centre_id') is null or r.centre_id = (select ($1->>'centre_id')::uuid))
      and r.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and r.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
    union all
    select
      t.currency,
      t.type,
      t.amount,
      t.records
    from lms.finance_totals as t
    where t.centre_id = (select ($1->>'centre_id')::uuid)
      and (select $1->>'student_id') is null
      and (select $1->>'tutor_id') is null
      and t.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and t.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
    union all
    select
      t.currency,
      t.type,
      t.amount,
      t.records
    from lms.finance_totals as t
    where (select $1->>'centre_id') is null
      and (select $1->>'student_id') is null
      and (select $1->>'tutor_id') is null
      and t.effective_on >= (select coalesce(($1->>'from')::date, '-infinity'))
      and t.effective_on <= (select coalesce(($1->>'to')::date, 'infinity'))
  ) as s
  where ((select $1->>'type') is null or s.type = (select $1->>'type'))
    and ((select $1->>'currency') is null or s.currency = (select $1->>'currency'))
  group by s.currency
) as b;

-- finance-records.reconciliation
with numbers as materialized (
  select lms.missing_finance_numbers() as missing
)
select
  json_build_object(
    'data', coalesce(p.data, '[]'),
    'missing_numbers', numbers.missing,
    'consistent', coalesce(p.consistent, true) and numbers.missing = 0
  )::text as body,
  null::text as tag
from numbers
cross join (
  select
    json_agg(
      json_build_object(
        'centre_id', r.centre_id,
        'currency', r.currency,
        'by_totals', r.by_totals,
        'by_records', r.by_records,
        'by_journal_entries', r.by_journal_entries,
        'sum_of_journal_entries', r.sum_of_journal_entries,
        'wrong_journal_entries', r.wrong_journal_entries,
        'missing_journal_entries', r.missing_journal_entries,
        'consistent', r.consistent
      )
      order by r.centre_id, r.currency
    ) as data,
    bool_and(r.consistent) as consistent
  from lms.reconcile_finance(($1->>'centre_id')::uuid) as r
) as p;

-- finance-records.statement
select
  lms.statement_of_account(
    ($1->>'student_id')::uuid,
    ($1->>'user_id')::uuid,
    ($1->>'from')::date,
    ($1->>'to')::date
  ) as body,
  null::text as tag;

-- payroll-runs.create
select
  p.body,
  p.tag
from lms.draft_payroll(
  ($1->'input'->>'centre_id')::uuid,
  ($1->'input'->>'month')::date
) as p;

-- payroll-runs.get
select
  p.body,
  p.tag
from lms.payroll_run(($1->>'id')::uuid) as p;

-- payroll-runs.post
select
  p.body,
  p.tag
from lms.post_payroll(
  ($1->>'id')::uuid,
  $1->'input'->>'method',
  ($1->'input'->>'effective_on')::date
) as p;

-- analytics.centre-financials
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.position) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.cursor) filter (where page.position = page.page_size and page.has_more),
    'refreshed_at', lms.utc(max(page.refreshed_at))
  )::text as body,
  null::text as tag
from (
  select
    r.refreshed_at,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over keys as position,
    lead(r.centre_id) over keys is not null as has_more,
    lms.cursor($1->>'sort', json_build_array(r.centre_id, r.month, r.currency)) as cursor,
    json_build_object(
      'centre_id', r.centre_id,
      'month', r.month,
      'currency', r.currency,
      'income', lms.money(r.income, r.currency),
      'salaries', lms.money(r.salaries, r.currency),
      'expenses', lms.money(r.expenses, r.currency),
      'reimbursements', lms.money(r.reimbursements, r.currency),
      'net', lms.money(r.net, r.currency),
      'records', r.records
    ) as item
  from lms.centre_financials(($1->>'centre_id')::uuid) as r
  where ($1->>'currency' is null or r.currency = $1->>'currency')
    and ($1->>'from' is null or r.month >= ($1->>'from')::date)
    and ($1->>'to' is null or r.month <= ($1->>'to')::date)
    and (
      $1->'after' is null
      or (r.centre_id, r.month, r.currency)
        > (($1->'after'->>0)::uuid, ($1->'after'->>1)::date, $1->'after'->>2)
    )
  window keys as (order by r.centre_id, r.month, r.currency)
  order by r.centre_id, r.month, r.currency
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page;

