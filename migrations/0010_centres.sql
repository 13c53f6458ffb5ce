-- Centres: the places where a tenant works.
set local role lms_owner;

create table lms.centres (
  like lms_private.row_template including all,
  name text not null
    constraint centres_name_check check (char_length(name) between 1 and 200),
  code text not null
    constraint centres_code_check check (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(code) between 2 and 63),
  time_zone text not null default 'UTC'
    constraint centres_time_zone_check check (lms_private.is_time_zone(time_zone)),
  currency text not null
    constraint centres_currency_check check (currency ~ '^[A-Z]{3}$'),
  address jsonb not null default '{}'
    constraint centres_address_check check (jsonb_typeof(address) = 'object' and octet_length(address::text) <= 16384),
  phone text
    constraint centres_phone_check check (char_length(phone) between 1 and 32),
  email text
    constraint centres_email_check check (char_length(email) <= 254 and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
  status text not null default 'active'
    constraint centres_status_check check (status in ('active', 'inactive')),
  constraint centres_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id)
);

create unique index centres_code_key
on lms.centres (tenant_id, code)
where deleted_at is null;

comment on table lms.centres is 'A tenant''s places. The scope of supervisors and assessors.';
comment on column lms.centres.code is 'Short name, unique in the tenant among live centres.';
comment on column lms.centres.time_zone is 'IANA name, such as Australia/Perth.';
comment on column lms.centres.currency is 'ISO 4217; what the centre''s finance records are in unless they say otherwise.';

call lms_private.adopt('centres', 'centre');

grant select, insert, update on lms.centres to lms_application;
grant select on lms.centres to lms_definer, lms_refresher;
