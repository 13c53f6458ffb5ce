-- Centre financials by the day on which a record takes effect, with reversals taken off.
set local role lms_owner;

drop function lms.centre_financials(uuid);
drop materialized view lms_private.mv_centre_financials;

create materialized view lms_private.mv_centre_financials as
select
  s.tenant_id,
  s.centre_id,
  s.month,
  s.currency,
  s.income,
  s.salaries,
  s.expenses,
  s.reimbursements,
  s.income - s.salaries - s.expenses - s.reimbursements as net,
  s.records,
  now() as refreshed_at
from (
  select
    f.tenant_id,
    f.centre_id,
    date_trunc('month', f.effective_on)::date as month,
    f.currency,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'payment'), 0) as income,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'salary'), 0) as salaries,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'expense'), 0) as expenses,
    coalesce(sum(lms_private.book_amount(f.amount, f.reverses_id)) filter (where f.type = 'reimbursement'), 0) as reimbursements,
    count(*) as records
  from lms.finance_records as f
  group by f.tenant_id, f.centre_id, date_trunc('month', f.effective_on)::date, f.currency
) as s
with no data;

create unique index mv_centre_financials_month_key
on lms_private.mv_centre_financials (tenant_id, centre_id, month, currency);

comment on materialized view lms_private.mv_centre_financials is 'Money of each centre by month and currency.';
comment on column lms_private.mv_centre_financials.month is 'First day of the month in which the records take effect.';
comment on column lms_private.mv_centre_financials.net is 'Income less salaries, expenses and reimbursements.';

grant select on lms_private.mv_centre_financials to lms_definer;

alter materialized view lms_private.mv_centre_financials owner to lms_refresher;

-- Filled once, because a view without data can be neither read nor refreshed concurrently.
refresh materialized view lms_private.mv_centre_financials;

create function lms.centre_financials(centre uuid default null) returns setof lms_private.mv_centre_financials
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  scope constant text := current_setting('app.role');
  own constant uuid := current_setting('app.centre_id')::uuid;
begin
  return query
    select f.*
    from lms_private.mv_centre_financials as f
    where f.tenant_id = current_setting('app.tenant_id')::uuid
      and (centre is null or f.centre_id = centre)
      and case scope
        when 'admin' then true
        when 'finance' then true
        when 'supervisor' then f.centre_id = own
        else false
      end;
end
$$;

comment on function lms.centre_financials is 'Money of the centres in the caller''s scope, or of one of them, by month.';

alter function lms.centre_financials owner to lms_definer;

grant execute on function lms.centre_financials to lms_application;
