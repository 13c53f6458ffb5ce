-- Tutor rates: what a tutor earns for an hour or for a lesson, and from which day on.
set local role lms_owner;

create table lms.tutor_rates (
  like lms_private.row_template including all,
  tutor_id uuid not null,
  unit text not null
    constraint tutor_rates_unit_check check (unit in ('hour', 'lesson')),
  amount numeric not null
    constraint tutor_rates_amount_check check (amount >= 0 and amount < 1000000000000000),
  currency text not null
    constraint tutor_rates_currency_check check (currency ~ '^[A-Z]{3}$'),
  effective_from date not null,
  constraint tutor_rates_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

-- Also the way to the rate of a day: the last one that begins no later.
create unique index tutor_rates_effective_from_key
on lms.tutor_rates (tenant_id, tutor_id, effective_from)
where deleted_at is null;

comment on table lms.tutor_rates is
  'What a tutor earns. A rate holds from its day on, until the day before the next one of the same tutor.';
comment on column lms.tutor_rates.unit is 'What the amount is for: an hour of lessons, to the minute, or a lesson however long.';
comment on column lms.tutor_rates.amount is 'With the digits of its currency; zero for somebody who is not paid.';
comment on column lms.tutor_rates.currency is 'ISO 4217; that of the tutor''s centre when none is given, and it stays if the centre''s changes.';
comment on column lms.tutor_rates.effective_from is 'On the calendar of the centre where the lesson is.';

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
      errcode = 'LM422', message = 'There is no such currency.', column = 'currency', detail = new.id::text;
  end if;
  if new.amount <> round(new.amount, places) then
    raise exception using
      errcode = 'LM422',
      message = format('An amount in %s has at most %s digits behind the point.', new.currency, places),
      column = 'amount',
      detail = new.id::text;
  end if;
  new.amount := round(new.amount, places);
  return new;
end
$$;

comment on function lms_private.complete_tutor_rate is
  'The currency of the tutor''s centre, where none is given; LM422 for an amount that the currency has no coins for.';

create trigger complete_rate
before insert or update on lms.tutor_rates
for each row execute function lms_private.complete_tutor_rate();

call lms_private.adopt('tutor_rates', 'tutor_rate');

grant select, insert, update on lms.tutor_rates to lms_application;

-- A rate has no centre: it is its tutor's, whose own policy is asked.
create policy scope_read on lms.tutor_rates
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then exists (
      select from lms.tutors as t where t.tenant_id = tutor_rates.tenant_id and t.id = tutor_rates.tutor_id
    )
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

create policy scope_insert on lms.tutor_rates
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

create policy scope_update on lms.tutor_rates
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'finance'));
