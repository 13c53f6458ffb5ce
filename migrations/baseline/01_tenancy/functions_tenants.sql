-- Rules for each tenant that is written: its slug is its own in the cell, its region and retention class are the cell's.

-- Sign-in with the slug of a tenant that has moved is sent there, so nobody else may take the slug.
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
    raise exception using errcode = 'LM409', message = 'This slug belongs to a tenant that has moved.', column = 'slug';
  end if;
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

comment on function lms_private.reserve_slug is
  'Keeps lms_private.tenant_slugs; LM409 when the slug is taken, or is that of a tenant that has moved to another cell.';

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

comment on function lms_private.check_cell is 'LM422 for a tenant of another region or retention class.';

alter function lms_private.check_cell owner to lms_definer;
