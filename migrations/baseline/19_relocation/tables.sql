-- The directory of relocated tenants, and the progress of relocations.

create table lms_private.relocated_tenants (
  tenant_id uuid primary key,
  slug text not null unique,
  state text not null
    constraint relocated_tenants_state_check check (state in ('leaving', 'closed', 'elsewhere')),
  url text
    constraint relocated_tenants_url_check check (char_length(url) between 1 and 2000),
  erased_at timestamptz,
  constraint relocated_tenants_elsewhere_check check ((state = 'elsewhere') = (url is not null))
);

comment on table lms_private.relocated_tenants is
  'Tenants that are not simply served by this cell: those that are about to leave, to arrive, or that another cell serves. Maintained by `lms tenant move`. It contains no personal data and is permanent.';
comment on column lms_private.relocated_tenants.state is
  'leaving: served here, read-only. closed: about to be served here, 503 until then. elsewhere: served at the URL, 421.';
comment on column lms_private.relocated_tenants.url is 'The base URL of the cell that serves the tenant.';
comment on column lms_private.relocated_tenants.erased_at is
  'The time of the transaction that erases the tenant''s rows here: this transaction may delete append-only rows.';

grant select on lms_private.relocated_tenants to lms_definer;

create table lms_private.tenant_relocations (
  id uuid primary key,
  tenant_id uuid not null,
  slug text not null,
  direction text not null
    constraint tenant_relocations_direction_check check (direction in ('out', 'in')),
  state text not null,
  receipt jsonb not null
    constraint tenant_relocations_receipt_check check (jsonb_typeof(receipt) = 'object'),
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint tenant_relocations_state_check check (
    (direction, state) in (
      ('out', 'leaving'), ('out', 'left'), ('out', 'forgotten'),
      ('in', 'arrived'), ('in', 'awaited'), ('in', 'served')
    )
  )
);

create index idx_tenant_relocations_tenant_id
on lms_private.tenant_relocations (tenant_id);

comment on table lms_private.tenant_relocations is
  'The progress of each relocation of a tenant out of this cell or into it, from which `lms tenant move` continues when it is run again.';
comment on column lms_private.tenant_relocations.id is 'The same id in both cells.';
comment on column lms_private.tenant_relocations.receipt is
  'The contents of the receipt: cells, counts and hashes, without personal data.';
