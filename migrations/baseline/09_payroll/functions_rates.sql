-- Default values of a tutor's rate.

create function lms_private.complete_tutor_rate() returns trigger
language plpgsql
as $$
declare
  places integer;
begin
  if new.currency is null then
    select c.currency
    into new.currency
    from lms.tutors as t
    join lms.centres as c
      on c.tenant_id = t.tenant_id
      and c.id = t.centre_id
    where t.tenant_id = new.tenant_id
      and t.id = new.tutor_id;
  end if;
  select c.digits
  into places
  from lms_private.currencies as c
  where c.code = new.currency;
  if not found then
    raise exception using
      errcode = 'LM422', message = 'No such currency.', column = 'currency', detail = new.id::text;
  end if;
  if new.amount <> round(new.amount, places) then
    raise exception using
      errcode = 'LM422',
      message = format('An amount in %s must have at most %s digits after the decimal point.', new.currency, places),
      column = 'amount',
      detail = new.id::text;
  end if;
  new.amount := round(new.amount, places);
  return new;
end
$$;

comment on function lms_private.complete_tutor_rate is
  'Sets the default currency, that of the tutor''s centre. LM422 for an amount with more digits than the currency has.';
