-- The cell, its tenants and their centres, and the sequences of each tenant.

create table lms_private.cell (
  is_only_row boolean primary key default true check (is_only_row),
  name text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  region text not null check (region in ('eu', 'au', 'us')),
  retention_class text not null check (retention_class in ('standard', 'regulated'))
);

comment on table lms_private.cell is
  'One row, written once by the operator''s tool. Without it, or when its region is not that of the component, no request is served.';
comment on column lms_private.cell.is_only_row is 'Always true: as the primary key it limits the table to one row.';

grant select on lms_private.cell to lms_application, lms_definer;

create table lms.tenants (
  like lms_private.row_template including all,
  slug text not null
    constraint tenants_slug_check check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null
    constraint tenants_name_check check (char_length(name) between 1 and 200),
  region text not null
    constraint tenants_region_check check (region in ('eu', 'au', 'us')),
  retention_class text not null default 'standard'
    constraint tenants_retention_class_check check (retention_class in ('standard', 'regulated')),
  settings jsonb not null default '{}'
    constraint tenants_settings_check check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 65536),
  status text not null default 'active'
    constraint tenants_status_check check (status in ('active', 'inactive')),
  constraint tenants_id_check check (id = tenant_id),
  constraint tenants_tenant_id_key unique (tenant_id)
);

comment on table lms.tenants is 'Organisations. Each row is its own tenant, so that row security shows a tenant only itself.';
comment on column lms.tenants.slug is 'The name that users type to sign in. Unique in the cell through lms_private.tenant_slugs.';
comment on column lms.tenants.region is 'The region of the cell. A tenant of another region cannot be inserted.';
comment on column lms.tenants.retention_class is
  'The retention class of the cell: standard keeps backups for 30 days, regulated for 7 years.';

call lms_private.register_table('tenants', 'tenant', listed => false);

grant select, update (name, settings) on lms.tenants to lms_application;
grant select on lms.tenants to lms_definer, lms_refresher;

-- A unique constraint on the table itself would have to include the tenant. Only the operator
-- inserts tenants, so the error reveals nothing to other tenants.
create table lms_private.tenant_slugs (
  slug text primary key,
  tenant_id uuid not null unique references lms.tenants (tenant_id) on delete cascade
);

comment on table lms_private.tenant_slugs is
  'Maps slugs to tenants, maintained by trigger: sign-in starts here, before the tenant is known.';

grant select, insert, update on lms_private.tenant_slugs to lms_definer;

create table lms.centres (
  like lms_private.row_template including all,
  name text not null
    constraint centres_name_check check (char_length(name) between 1 and 200),
  code text not null
    constraint centres_code_check check (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(code) between 2 and 63),
  time_zone text not null default 'UTC'
    constraint centres_time_zone_check check (lms_private.is_time_zone(time_zone)),
  working_hours jsonb not null default lms.default_working_hours()
    constraint centres_working_hours_check check (
      jsonb_typeof(working_hours) = 'array' and octet_length(working_hours::text) <= 65536
    ),
  holidays jsonb not null default '[]'
    constraint centres_holidays_check check (
      jsonb_typeof(holidays) = 'array' and octet_length(holidays::text) <= 65536
    ),
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
  left_at timestamptz,
  left_with jsonb,
  constraint centres_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id)
);

create unique index centres_code_key
on lms.centres (tenant_id, code)
where deleted_at is null;

create index idx_centres_name
on lms.centres (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

comment on table lms.centres is 'Locations of a tenant, and the scope of supervisors and assessors.';
comment on column lms.centres.code is 'Short name, unique in the tenant among live centres.';
comment on column lms.centres.time_zone is 'IANA name, such as Australia/Perth.';
comment on column lms.centres.working_hours is
  'Weekly windows {"weekday", "start", "end"} in the centre''s time zone. An empty list means that all time counts.';
comment on column lms.centres.holidays is 'Days {"date", "name"} that have no working time.';
comment on column lms.centres.currency is 'ISO 4217. The default currency of the centre''s finance records.';
comment on column lms.centres.left_at is 'When the centre was closed or deleted; null while it is open. Maintained by trigger.';
comment on column lms.centres.left_with is 'See users.left_with.';

call lms_private.register_table('centres', 'centre');
call lms_private.create_retention_index('centres');

grant select, insert, update on lms.centres to lms_application;
grant select, update (left_with) on lms.centres to lms_definer;
grant select on lms.centres to lms_refresher;

create table lms.tenant_sequences (
  like lms_private.row_template including all,
  name text not null
    constraint tenant_sequences_name_check check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  next_value bigint not null default 1
    constraint tenant_sequences_next_value_check check (next_value > 0),
  constraint tenant_sequences_name_key unique (tenant_id, name),
  constraint tenant_sequences_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id)
);

comment on table lms.tenant_sequences is 'Gapless sequences of each tenant for numbers that people read, such as receipt numbers.';
comment on column lms.tenant_sequences.next_value is 'The next number that lms_private.assign_number assigns.';

call lms_private.register_table('tenant_sequences', listed => false);

grant select on lms.tenant_sequences to lms_application;
grant select, insert, update on lms.tenant_sequences to lms_definer;
