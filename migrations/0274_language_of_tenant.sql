-- The tenant's language goes into the access token beside the tenant, and with it into the order of names.
set local role lms_owner;

create or replace function lms_private.identity_json(tenant uuid, person uuid) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.check_home(tenant);
  return (
    select json_build_object(
      'user', lms_private.user_json(u),
      'tenant', json_build_object(
        'id', t.id,
        'slug', t.slug,
        'name', t.name,
        'region', t.region,
        'language', t.settings ->> 'language'
      )
    )
    from lms.users as u
    join lms.tenants as t
      on t.tenant_id = u.tenant_id
    where u.tenant_id = tenant
      and u.id = person
      and u.status = 'active'
      and u.deleted_at is null
      and t.status = 'active'
      and t.deleted_at is null
  );
end
$$;
