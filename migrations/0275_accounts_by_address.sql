-- Accounts are looked up by what an address is known by, in whichever of its forms it was written here or there.
set local role lms_owner;

create or replace function lms.sign_in_begin(
  tenant_slug text, email text, address text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform lms_private.check_home(null, lower(sign_in_begin.tenant_slug));

  select s.tenant_id
  into sign_in_begin.tenant_id
  from lms_private.tenant_slugs as s
  where s.slug = lower(sign_in_begin.tenant_slug);

  select
    u.id,
    u.password_hash,
    u.role,
    case when u.status = 'active' and t.status = 'active' and t.deleted_at is null then 'active' else 'inactive' end,
    t.region
  into
    sign_in_begin.user_id,
    sign_in_begin.password_hash,
    sign_in_begin.role,
    sign_in_begin.status,
    sign_in_begin.region
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = sign_in_begin.tenant_id
    and lms_private.email_key(u.email) = lms_private.email_key(sign_in_begin.email)
    and u.deleted_at is null;

  attempt_id := lms_private.count_attempt(
    sign_in_begin.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(sign_in_begin.email, '')),
    address
  );
  return next;
end
$$;

create or replace function lms.password_reset_begin(
  tenant_slug text, email text, token text
) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := interval '30 minutes';
  person record;
  notification uuid;
begin
  perform lms_private.check_home(null, lower(tenant_slug));

  select u.tenant_id, u.id
  into person
  from lms_private.tenant_slugs as s
  join lms.tenants as t
    on t.tenant_id = s.tenant_id
  join lms.users as u
    on u.tenant_id = s.tenant_id
  where s.slug = lower(tenant_slug)
    and lms_private.email_key(u.email) = lms_private.email_key(password_reset_begin.email)
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return true;
  end if;
  perform set_config('app.tenant_id', person.tenant_id::text, true);

  -- Nobody can fill somebody else's mailbox.
  if (
    select count(*)
    from lms.one_use_tokens as o
    where o.tenant_id = person.tenant_id
      and o.user_id = person.id
      and o.created_at > now() - span
  ) >= 3 then
    return true;
  end if;

  insert into lms.notifications (tenant_id, user_id, type, template, data)
  values (
    person.tenant_id,
    person.id,
    'email',
    'password_reset',
    jsonb_build_object('minutes', extract(epoch from span)::integer / 60)
  )
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, expires_at)
  values (person.tenant_id, notification, token, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, expires_at)
  values (person.tenant_id, person.id, 'password_reset', sha256(convert_to(token, 'UTF8')), now() + span);
  return true;
end
$$;
