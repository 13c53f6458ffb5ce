-- Rules for finance records: they are numbered without gaps, dated and append-only. A mistake is
-- corrected by a linked reversal.

create function lms_private.complete_finance_record() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  digits integer;
begin
  if new.tenant_id is distinct from nullif(current_setting('app.tenant_id', true), '')::uuid then
    raise exception using errcode = '42501', message = 'A finance record must be written in the context of its tenant.';
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
      errcode = 'foreign_key_violation', column = 'centre_id', detail = new.id::text;
  end if;
  if digits is null then
    raise exception using
      errcode = 'LM422', message = 'No such currency.', column = 'currency', detail = new.id::text;
  end if;
  if new.amount <> round(new.amount, digits) then
    raise exception using
      errcode = 'LM422',
      message = format('An amount in %s must have at most %s digits after the decimal point.', new.currency, digits),
      column = 'amount',
      detail = new.id::text;
  end if;

  new.amount := round(new.amount, digits);
  return new;
end
$$;

comment on function lms_private.complete_finance_record is
  'Sets the default currency and date, and rounds the amount to the digits of its currency.';

alter function lms_private.complete_finance_record owner to lms_definer;

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
    raise exception using errcode = 'foreign_key_violation', column = 'reverses_id';
  end if;
  if original.reverses_id is not null then
    raise exception using
      errcode = 'LM409', message = 'The record is a reversal, and a reversal cannot be reversed. Create a new record instead.';
  end if;
  if exists (
    select from lms.finance_records as r
    where r.tenant_id = new.tenant_id
      and r.reverses_id = new.reverses_id
  ) then
    raise exception using errcode = 'LM409', message = 'The record has already been reversed.';
  end if;
  if (new.centre_id, new.student_id, new.tutor_id, new.amount, new.currency, new.type, new.method)
    is distinct from (
      original.centre_id, original.student_id, original.tutor_id, original.amount, original.currency, original.type,
      original.method
    )
  then
    raise exception using
      errcode = 'LM422', message = 'A reversal must repeat the record that it reverses.', column = 'reverses_id';
  end if;
  if new.effective_on < original.effective_on then
    raise exception using
      errcode = 'LM422',
      message = format('The record takes effect on %s. It cannot be reversed before that day.', original.effective_on),
      column = 'effective_on';
  end if;
  return new;
end
$$;

comment on function lms_private.check_reversal is
  'A record can be reversed once, by a record that repeats it. A reversal cannot be reversed.';

alter function lms_private.check_reversal owner to lms_definer;
