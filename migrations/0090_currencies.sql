-- Currencies by ISO 4217, with the digits that an amount has behind the point. Units of account without a minor unit, such as gold
-- and the codes for tests, are no money that somebody can pay with.
set local role lms_owner;

create table lms_private.currencies (
  code text primary key
    constraint currencies_code_check check (code ~ '^[A-Z]{3}$'),
  digits integer not null
    constraint currencies_digits_check check (digits between 0 and 4)
);

comment on table lms_private.currencies is 'ISO 4217. A test compares it with the components'' own list.';
comment on column lms_private.currencies.digits is 'Digits behind the point: 2 of EUR, 0 of JPY, 3 of KWD.';

insert into lms_private.currencies (code, digits)
select
  btrim(code, E' \n'),
  digits
from (values
  (0, 'BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF'),
  (2, '
    AED,AFN,ALL,AMD,XCG,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BGN,BMD,BND,BOB,BOV,BRL,BSD,BTN,BWP,BYN,BZD,CAD,
    CDF,CHE,CHF,CHW,CNY,COP,COU,CRC,CUC,CUP,CVE,CZK,DKK,DOP,DZD,EGP,ERN,ETB,EUR,FJD,FKP,GBP,GEL,GHS,GIP,
    GMD,GTQ,GYD,HKD,HNL,HRK,HTG,HUF,IDR,ILS,INR,IRR,JMD,KES,KGS,KHR,KPW,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,
    MDL,MGA,MKD,MMK,MNT,MOP,MRU,MUR,MVR,MWK,MXN,MXV,MYR,MZN,NAD,NGN,NIO,NOK,NPR,NZD,PAB,PEN,PGK,PHP,PKR,
    PLN,QAR,RON,RSD,RUB,SAR,SBD,SCR,SDG,SEK,SGD,SHP,SLE,SLL,SOS,SRD,SSP,STN,SVC,SYP,SZL,THB,TJS,TMT,TOP,
    TRY,TTD,TWD,TZS,UAH,USD,USN,UYU,UZS,VED,VES,WST,XCD,YER,ZAR,ZMW,ZWL,ZWG
  '),
  (3, 'BHD,IQD,JOD,KWD,LYD,OMR,TND'),
  (4, 'CLF,UYW')
) as of_digits (digits, codes)
cross join unnest(string_to_array(codes, ',')) as code;

grant select on lms_private.currencies to lms_application, lms_definer;

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

comment on function lms.money is
  'An amount as the interface writes it: with the digits of its currency, and never rounded.';

create function lms_private.check_currency() returns trigger
language plpgsql
as $$
begin
  if not exists (select from lms_private.currencies as c where c.code = new.currency) then
    raise exception using
      errcode = 'LM422',
      message = 'There is no such currency.',
      column = 'currency',
      detail = new.id::text;
  end if;
  return new;
end
$$;

comment on function lms_private.check_currency is 'Refuses a code that ISO 4217 does not have.';

-- A trigger and not a foreign key, whose target would have to be the tenant's.
create trigger check_currency
before insert or update of currency on lms.centres
for each row execute function lms_private.check_currency();

grant execute on function lms.money to lms_application, lms_definer;
