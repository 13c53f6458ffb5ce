-- Tenants: the organisations of this cell.
set local role lms_owner;

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

comment on table lms.tenants is 'One organisation each. A row is its own tenant, so that row security shows each tenant itself alone.';
comment on column lms.tenants.slug is 'What people type to sign in. Unique in the cell, by lms_private.tenant_slugs.';
comment on column lms.tenants.region is 'Must be the cell''s: a tenant of another region cannot be inserted.';
comment on column lms.tenants.retention_class is 'Must be the cell''s: standard keeps backups 30 days, regulated 7 years.';

alter table lms.event_heads
add constraint event_heads_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id);

-- A unique constraint on the table itself could not include the tenant. Only the operator inserts tenants, so nobody
-- learns here who else exists.
create table lms_private.tenant_slugs (
  slug text primary key,
  tenant_id uuid not null unique references lms.tenants (tenant_id) on delete cascade
);

comment on table lms_private.tenant_slugs is 'Slug to tenant, kept by trigger: sign-in starts here, before there is a tenant.';

create function lms_private.keep_slug() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms_private.tenant_slugs as kept (slug, tenant_id)
  values (new.slug, new.tenant_id)
  on conflict (tenant_id) do update
  set slug = excluded.slug;
  return null;
exception
  when unique_violation then
    raise exception using errcode = 'LM409', message = 'This slug is taken.', column = 'slug';
end
$$;

create function lms_private.check_cell() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  here lms_private.cell;
begin
  select * into here from lms_private.cell;
  if not found then
    raise exception using errcode = 'LM503', message = 'This database has no cell yet: insert its row into lms_private.cell.';
  end if;
  if new.region <> here.region then
    raise exception using
      errcode = 'LM422',
      message = format('This cell is in region %s.', here.region),
      column = 'region';
  end if;
  if new.retention_class <> here.retention_class then
    raise exception using
      errcode = 'LM422',
      message = format('This cell keeps tenants of retention class %s.', here.retention_class),
      column = 'retention_class';
  end if;
  return new;
end
$$;

comment on function lms_private.keep_slug is 'Keeps lms_private.tenant_slugs; LM409 when the slug is taken.';
comment on function lms_private.check_cell is 'LM422 for a tenant of another region or retention class.';

create trigger check_cell
before insert or update of region, retention_class on lms.tenants
for each row execute function lms_private.check_cell();

create trigger keep_slug
after insert or update of slug on lms.tenants
for each row execute function lms_private.keep_slug();

call lms_private.adopt('event_heads', listed => false);
call lms_private.adopt('event_log', listed => false);
call lms_private.adopt('tenants', 'tenant', listed => false);

grant select, update (name, settings) on lms.tenants to lms_application;
grant select on lms.tenants to lms_definer, lms_refresher;
grant select, insert, update on lms_private.tenant_slugs to lms_definer;

alter function lms_private.keep_slug owner to lms_definer;
alter function lms_private.check_cell owner to lms_definer;
