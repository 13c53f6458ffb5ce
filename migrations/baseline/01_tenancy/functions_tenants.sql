-- Rules for rows of tenants: the slug is unique in the cell, and region and retention class are
-- those of the cell.

-- A sign-in with the slug of a relocated tenant is redirected to its new cell, so no other tenant
-- may take the slug.
create function lms_private.reserve_slug() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from lms_private.relocated_tenants as a
    where a.slug = new.slug
      and a.tenant_id <> new.tenant_id
  )
  then
    raise exception using errcode = 'LM409', message = 'The slug belongs to a tenant that has been relocated.', column = 'slug';
  end if;
  insert into lms_private.tenant_slugs as kept (slug, tenant_id)
  values (new.slug, new.tenant_id)
  on conflict (tenant_id) do update
  set slug = excluded.slug;
  return null;
exception
  when unique_violation then
    raise exception using errcode = 'LM409', message = 'The slug is already in use.', column = 'slug';
end
$$;

comment on function lms_private.reserve_slug is
  'Maintains lms_private.tenant_slugs. LM409 when the slug is taken or belongs to a tenant that was relocated to another cell.';

alter function lms_private.reserve_slug owner to lms_definer;

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
      message = format('The region must be %s, that of this cell.', here.region),
      column = 'region';
  end if;
  if new.retention_class <> here.retention_class then
    raise exception using
      errcode = 'LM422',
      message = format('The retention class must be %s, that of this cell.', here.retention_class),
      column = 'retention_class';
  end if;
  return new;
end
$$;

comment on function lms_private.check_cell is 'LM422 for a tenant whose region or retention class is not that of the cell.';

alter function lms_private.check_cell owner to lms_definer;
