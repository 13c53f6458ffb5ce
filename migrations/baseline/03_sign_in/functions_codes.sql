-- One-use codes that are sent to a user. They end when the password, e-mail address, role or status
-- of the user changes, when the account is deleted or its tenant closed, and when another code for
-- the same purpose is issued. Sessions end with a changed e-mail address as well.

create function lms_private.find_account(tenant uuid, email text) returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select u.id
  from lms.users as u
  where u.tenant_id = tenant
    and lms_private.email_key(u.email) = lms_private.email_key(find_account.email)
    and u.deleted_at is null
$$;

comment on function lms_private.find_account is
  'The account with this address, active or not. It is the only place that defines when two addresses are equal.';

alter function lms_private.find_account owner to lms_definer;

create function lms_private.end_codes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.end_codes(new.tenant_id, new.id);
  return null;
end
$$;

comment on function lms_private.end_codes() is 'Ends all codes of a user whose account has changed.';

alter function lms_private.end_codes() owner to lms_definer;

create function lms_private.end_codes(tenant uuid, account uuid, purpose text default null) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with ended as (
    update lms.one_use_tokens as o
    set used_at = now()
    where o.tenant_id = tenant
      and o.user_id = account
      and o.used_at is null
      and o.purpose = coalesce(end_codes.purpose, o.purpose)
    returning o.token_hash
  )
  delete from lms_private.notification_secrets as k
  using ended
  where k.tenant_id = tenant
    and lms_private.sha256_of_lines(k.token) = ended.token_hash
$$;

comment on function lms_private.end_codes(uuid, uuid, text) is
  'Ends the codes of a user, of one purpose or of all, and removes codes that wait to be sent from their notifications.';

alter function lms_private.end_codes(uuid, uuid, text) owner to lms_definer;

create function lms_private.send_code(
  tenant uuid, account uuid, purpose text, span interval, data jsonb, email text default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  -- A UUID has 122 random bits, so three have more than the 256 bits of the hash. The code is the
  -- hash as unpadded base64url.
  code constant text := translate(
    rtrim(
      encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
        'base64'
      ),
      '='
    ),
    '+/',
    '-_'
  );
  notification uuid;
begin
  perform lms_private.end_codes(tenant, account, purpose);
  insert into lms.notifications (tenant_id, user_id, type, template, data)
  values (tenant, account, 'email', purpose, data)
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, address, expires_at)
  values (tenant, notification, code, email, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, email, expires_at)
  values (tenant, account, purpose, sha256(convert_to(code, 'UTF8')), email, now() + span);
end
$$;

comment on function lms_private.send_code is
  'Creates a code that works once and queues the notification of the same name, to the given address or else to the user''s own. Earlier codes of the purpose end. The code is never returned to a caller.';

alter function lms_private.send_code owner to lms_definer;

create function lms_private.record_invalid_code(address text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  origin constant bytea := lms_private.sha256_of_lines('code', '', lms_private.network_key(address));
begin
  perform lms_private.check_rate_limit(lms_private.origin_blocked_until(origin));
  insert into lms.sign_in_failures (tenant_id, account, origin, address, failed)
  values ('00000000-0000-0000-0000-000000000000', origin, origin, left(coalesce(address, ''), 64), true);
end
$$;

comment on function lms_private.record_invalid_code is
  'Counts an invalid code. LM429 after 100 from an origin in 15 minutes. Valid codes are not limited by it.';

alter function lms_private.record_invalid_code owner to lms_definer;
