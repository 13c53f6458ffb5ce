-- Currencies and the format of amounts.

create function lms.money(amount numeric, currency text) returns text
language sql
stable
strict
parallel safe
return round(
  amount,
  greatest(
    (select c.digits from lms_private.currencies as c where c.code = currency),
    scale(trim_scale(amount))
  )
)::text;

comment on function lms.money is 'An amount as the interface shows it: with the digits of its currency, never rounded.';

grant execute on function lms.money to lms_application, lms_definer;

create function lms_private.check_currency() returns trigger
language plpgsql
as $$
begin
  if not exists (select from lms_private.currencies as c where c.code = new.currency) then
    raise exception using
      errcode = 'LM422',
      message = 'No such currency.',
      column = 'currency',
      detail = new.id::text;
  end if;
  return new;
end
$$;

comment on function lms_private.check_currency is 'LM422 for a code that is not in ISO 4217.';
