-- Ending a user's codes made the digest of every code that waits in the tenant, and ending a tenant's did so once for each user.
set local role lms_owner;

create index idx_notification_secrets_token
on lms_private.notification_secrets (tenant_id, lms_private.digest_of(token));

create or replace function lms_private.end_codes(tenant uuid, person uuid, purpose text default null) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with ended as (
    update lms.one_use_tokens as o
    set used_at = now()
    where o.tenant_id = tenant
      and o.user_id = person
      and o.used_at is null
      and o.purpose = coalesce(end_codes.purpose, o.purpose)
    returning o.token_hash
  )
  delete from lms_private.notification_secrets as k
  using ended
  where k.tenant_id = tenant
    and lms_private.digest_of(k.token) = ended.token_hash
$$;

create or replace function lms_private.end_tenant_sessions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status <> 'active' or new.deleted_at is not null then
    update lms.sessions as s
    set revoked_at = now()
    where s.tenant_id = new.tenant_id
      and s.revoked_at is null;
    with ended as (
      update lms.one_use_tokens as o
      set used_at = now()
      where o.tenant_id = new.tenant_id
        and o.used_at is null
      returning o.token_hash
    )
    delete from lms_private.notification_secrets as k
    using ended
    where k.tenant_id = new.tenant_id
      and lms_private.digest_of(k.token) = ended.token_hash;
  end if;
  return null;
end
$$;
