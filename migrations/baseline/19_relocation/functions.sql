-- Requests for a relocated tenant are answered with its location or refused, by the session check,
-- which every request makes, and wherever there is no session yet. A relocated tenant can be erased
-- from this cell, including its event log and ledger.

create function lms_private.check_tenant_location(tenant uuid, slug text default null) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  away lms_private.relocated_tenants;
begin
  select a.*
  into away
  from lms_private.relocated_tenants as a
  where a.tenant_id = tenant
    or a.slug = slug;
  if not found then
    return;
  end if;
  if away.state = 'elsewhere' then
    raise exception using errcode = 'LM421', message = 'The tenant is served by another cell.', detail = away.url;
  elsif away.state = 'closed' then
    raise exception using errcode = 'LM503', message = format('The move of tenant %s to this cell has not been finished.', away.slug);
  end if;
  -- From here on every write fails with 25006.
  perform set_config('transaction_read_only', 'on', true);
end
$$;

comment on function lms_private.check_tenant_location is
  'LM421 with the URL as detail for a tenant of another cell, LM503 for one that is not available here yet. For a tenant that is about to leave, the transaction becomes read-only.';

alter function lms_private.check_tenant_location owner to lms_definer;
grant execute on function lms_private.check_tenant_location to lms_owner;

-- For tools that have set the tenant's context.
create function lms_private.check_current_tenant_location() returns void
language sql
volatile
return lms_private.check_tenant_location(current_setting('app.tenant_id')::uuid);

comment on function lms_private.check_current_tenant_location is
  'Calls check_tenant_location for the context''s tenant, for the operator''s tools.';

create function lms_private.is_erasing_tenant(tenant uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select lms_private.is_current_tenant(tenant) and exists (
    select
    from lms_private.relocated_tenants as a
    where a.tenant_id = is_erasing_tenant.tenant
      and a.state = 'elsewhere'
      and a.erased_at = now()
  );
end;

comment on function lms_private.is_erasing_tenant is
  'True when this transaction erases a tenant that was relocated to another cell. Only the owner of the schema can set this up.';

alter function lms_private.is_erasing_tenant owner to lms_definer;
-- Triggers run as the role that writes.
grant execute on function lms_private.is_erasing_tenant to public;
